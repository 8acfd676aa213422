-- Burn rate: dollars per hour of the last full hours, and how long each budget's present window lasts at that pace.
with pace as (
  select s.agent_id, sum(s.cost) / 3 as dollars_per_hour
  from kavach.hourly_spend s
  where s.bucket >= date_trunc('hour', now()) - interval '3 hours' and s.bucket < date_trunc('hour', now())
  group by s.agent_id
)
select a.name as agent, round(p.dollars_per_hour, 4) as dollars_per_hour, b.period, round(b.limit_amount, 2) as limit_dollars,
  round(w.spent, 4) as spent, round(100 * w.spent / b.limit_amount, 1) as percent,
  case when p.dollars_per_hour > 0 then round(greatest(b.limit_amount - w.spent, 0) / p.dollars_per_hour, 1) end as hours_left,
  w.window_end
from kavach.budgets b
join kavach.agents a on a.id = b.agent_id
join kavach.budget_windows w on w.budget_id = b.id and w.holder = '' and w.window_start <= now() and w.window_end > now()
left join pace p on p.agent_id = a.id
where b.scope = 'agent' and b.unit = 'usd'
order by percent desc, agent;
