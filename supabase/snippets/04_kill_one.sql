-- Kill one: stops an agent in every process. Fill in the two names. Resume it with kavach.resume_agent(o.id, 'research-bot').
select kavach.kill_agent(o.id, 'research-bot', 'manual', 'Studio') as state
from kavach.organizations o
where o.name = 'Acme';
