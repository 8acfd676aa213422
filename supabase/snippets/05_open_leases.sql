-- Open leases: which process holds how much of which shared budget, and when it would be taken back.
select b.scope, b.name as budget, b.period, a.name as agent, l.instance, l.granted, l.used, l.granted - l.used as held,
  l.expires_at, l.reclaim_at, l.reclaim_at < now() as overdue
from kavach.leases l
join kavach.budgets b on b.id = l.budget_id
join kavach.agents a on a.id = l.agent_id
where l.state = 'open'
order by held desc;
