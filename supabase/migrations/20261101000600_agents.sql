-- Agents, whether they may run, and the history of kills.
create table kavach.agents (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  name text not null check (length(name) between 1 and 200),
  killed boolean not null default false,
  kill_epoch bigint not null default 0,
  kill_reason text,
  killed_by text,
  killed_at timestamptz,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  last_key_id uuid,
  unique (org_id, name),
  -- So that what belongs to an agent can be held to the same organisation by its foreign key.
  unique (org_id, id)
) with (fillfactor = 80);

comment on table kavach.agents is 'One row for each agent name that has connected or reported. Stop one: select kavach.kill_agent(org_id, name).';
comment on column kavach.agents.id is 'Identifier.';
comment on column kavach.agents.org_id is 'The organisation.';
comment on column kavach.agents.name is 'The agentName of the SDK.';
comment on column kavach.agents.killed is 'Stopped: every process that runs it refuses calls until it is resumed.';
comment on column kavach.agents.kill_epoch is 'Rises with each kill and resume; what is not newer is old news.';
comment on column kavach.agents.kill_reason is 'Why it was stopped: manual, cost, tokens, …';
comment on column kavach.agents.killed_by is 'Who stopped it.';
comment on column kavach.agents.killed_at is 'When it was stopped.';
comment on column kavach.agents.first_seen_at is 'When it first connected or reported.';
comment on column kavach.agents.last_seen_at is 'When it last connected or reported, to five seconds.';
comment on column kavach.agents.last_key_id is 'The API key that it did so with (kavach.api_keys); null where there was none.';

create table kavach.kills (
  id bigint generated always as identity primary key,
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  agent_id uuid not null,
  epoch bigint not null,
  action text not null check (action in ('kill', 'resume')),
  reason text,
  by_whom text,
  at timestamptz not null default now(),
  foreign key (org_id, agent_id) references kavach.agents (org_id, id) on delete cascade
);

create index kills_agent_idx on kavach.kills (org_id, agent_id, at desc);

comment on table kavach.kills is 'Every kill and resume that went through the backend.';
comment on column kavach.kills.id is 'Identifier.';
comment on column kavach.kills.org_id is 'The organisation.';
comment on column kavach.kills.agent_id is 'The agent.';
comment on column kavach.kills.epoch is 'The agent''s epoch after it.';
comment on column kavach.kills.action is 'kill or resume.';
comment on column kavach.kills.reason is 'Why: manual, cost, tokens, calls, …; null for a resume.';
comment on column kavach.kills.by_whom is 'Who did it: an e-mail address, a key, an alert rule, Studio.';
comment on column kavach.kills.at is 'When.';

alter table kavach.agents enable row level security;
alter table kavach.kills enable row level security;
revoke all on kavach.agents, kavach.kills from public, anon, authenticated;
grant select on kavach.agents, kavach.kills to authenticated;
grant select, insert, update, delete on kavach.agents, kavach.kills to service_role;

create policy "callers can read their organisation's agents"
on kavach.agents for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));

create policy "callers can read their organisation's kills"
on kavach.kills for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));

create function private.agent_state(p_agent kavach.agents)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'agent', p_agent.name, 'killed', p_agent.killed, 'epoch', p_agent.kill_epoch,
    'reason', p_agent.kill_reason, 'by', p_agent.killed_by
  );
end;
$$;

comment on function private.agent_state(kavach.agents) is 'An agent as AgentState of the wire.';

-- Makes agents on first sight, as far as the plan allows. Names beyond the plan's limit stay unknown: the caller refuses them.
create function private.ensure_agents(p_org uuid, p_names text[])
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_missing text[];
  v_max int;
begin
  select array_agg(n.name order by n.name) into v_missing
  from (select distinct unnest(p_names) as name) n
  where not exists (select from kavach.agents a where a.org_id = p_org and a.name = n.name);
  if v_missing is null then
    return;
  end if;
  -- One at a time for each organisation, or two requests would both take the last place.
  perform pg_advisory_xact_lock(hashtextextended('kavach.agents:' || p_org::text, 0));
  select p.max_agents into v_max
  from kavach.organizations o join kavach.plans p on p.id = o.plan_id
  where o.id = p_org;
  insert into kavach.agents (org_id, name)
  select p_org, n.name
  from unnest(v_missing) with ordinality as n (name, position)
  where not exists (select from kavach.agents a where a.org_id = p_org and a.name = n.name)
  order by n.position
  limit case when v_max is null then null else
    greatest(0, v_max - (select count(*) from kavach.agents a where a.org_id = p_org)) end
  on conflict (org_id, name) do nothing;
end;
$$;

create function private.refuse_agent(p_org uuid, p_name text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_plan kavach.plans;
begin
  select p.* into v_plan from kavach.organizations o join kavach.plans p on p.id = o.plan_id where o.id = p_org;
  perform private.refuse(
    403, 'tier_agent_limit',
    format(
      'The %s plan has room for %s agents, and %s would be one more. Upgrade, or use the name of an agent that exists.',
      v_plan.name, v_plan.max_agents, to_json(p_name)
    ),
    jsonb_build_object('reason', 'tier_agent_limit', 'limit', v_plan.max_agents, 'plan', v_plan.id, 'agent', p_name)
  );
end;
$$;

-- Written every few seconds at most, and never waiting for a request that does the same.
create function private.see_agents(p_agents uuid[])
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_key uuid := (auth.jwt() ->> 'kavach_key')::uuid;
begin
  update kavach.agents a set last_seen_at = clock_timestamp(), last_key_id = v_key
  where a.id in (
    select s.id from kavach.agents s
    where s.id = any (p_agents)
      and (s.last_seen_at < clock_timestamp() - interval '5 seconds' or (s.last_key_id is null and v_key is not null))
    order by s.id
    for no key update skip locked
  );
end;
$$;

comment on function private.see_agents(uuid[]) is 'Notes that agents were heard from just now, and with which key.';
comment on function private.ensure_agents(uuid, text[]) is 'Creates the agents that are missing, in order of name, up to the plan''s limit.';
comment on function private.refuse_agent(uuid, text) is 'Refuses an agent beyond the plan''s limit: 403 tier_agent_limit.';

revoke execute on all functions in schema private from public;
grant execute on function
  private.agent_state(kavach.agents), private.ensure_agents(uuid, text[]), private.refuse_agent(uuid, text)
to service_role;
