-- Alerts: thresholds reached in the last day, and how their delivery went.
select e.created_at, coalesce(a.name, b.name) as whose, e.holder, b.period, (100 * e.threshold)::int as percent, e.spent, e.limit_amount,
  e.state, e.attempts, e.next_attempt_at, e.deliveries
from kavach.alert_events e
join kavach.budgets b on b.id = e.budget_id
left join kavach.agents a on a.id = e.agent_id
where e.created_at > now() - interval '1 day'
order by e.created_at desc
limit 100;
