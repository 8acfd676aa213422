-- Who is killed: agents that are stopped now, since when, why and by whom.
select o.name as organization, a.name as agent, a.kill_reason as reason, a.killed_by as by, a.killed_at as since, a.last_seen_at, a.org_id
from kavach.agents a
join kavach.organizations o on o.id = a.org_id
where a.killed
order by a.killed_at desc;
