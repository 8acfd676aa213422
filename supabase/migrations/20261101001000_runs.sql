-- Runs: one row for each execution of an agent, added up as its events arrive.
create table kavach.runs (
  id uuid primary key,
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  agent_id uuid not null,
  run_id text not null check (length(run_id) between 1 and 200),
  started_at timestamptz not null,
  last_event_at timestamptz not null,
  cost numeric(30, 9) not null default 0,
  calls bigint not null default 0,
  tokens numeric(30, 0) not null default 0,
  tool_calls bigint not null default 0,
  denied int not null default 0,
  user_name text,
  tags text[] not null default '{}',
  unique (org_id, agent_id, run_id),
  foreign key (org_id, agent_id) references kavach.agents (org_id, id) on delete cascade
) with (fillfactor = 80);

create index runs_agent_newest_idx on kavach.runs (org_id, agent_id, started_at desc, id desc);
create index runs_newest_idx on kavach.runs (org_id, started_at desc, id desc);
create index runs_last_event_idx on kavach.runs using brin (last_event_at);

comment on table kavach.runs is 'Executions of agents with their totals. Kept for 30 days, like their events.';
comment on column kavach.runs.id is 'Identifier, derived from the agent and its run id.';
comment on column kavach.runs.org_id is 'The organisation.';
comment on column kavach.runs.agent_id is 'The agent.';
comment on column kavach.runs.run_id is 'The run''s id in the code.';
comment on column kavach.runs.started_at is 'When its first call started.';
comment on column kavach.runs.last_event_at is 'When its latest event happened.';
comment on column kavach.runs.cost is 'US dollars.';
comment on column kavach.runs.calls is 'Requests to providers.';
comment on column kavach.runs.tokens is 'Input and output tokens together.';
comment on column kavach.runs.tool_calls is 'Tool calls that the model asked for.';
comment on column kavach.runs.denied is 'Calls that were refused.';
comment on column kavach.runs.user_name is 'The user whose run it is, where the code says so.';
comment on column kavach.runs.tags is 'The tags of its calls.';

alter table kavach.runs enable row level security;
revoke all on kavach.runs from public, anon, authenticated;
grant select on kavach.runs to authenticated;
grant select, insert, update, delete on kavach.runs to service_role;

create policy "callers can read their organisation's runs"
on kavach.runs for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));
