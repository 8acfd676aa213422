-- Top spenders: the agents that cost the most in the last seven days.
select o.name as organization, a.name as agent, round(sum(s.cost), 2) as dollars, sum(s.calls) as calls, sum(s.tokens) as tokens,
  round(100 * sum(s.estimated_cost) / nullif(sum(s.cost), 0), 1) as estimated_percent
from kavach.daily_spend s
join kavach.agents a on a.id = s.agent_id
join kavach.organizations o on o.id = s.org_id
where s.bucket >= date_trunc('day', now(), 'UTC') - interval '6 days'
group by o.name, a.name
order by dollars desc
limit 25;
