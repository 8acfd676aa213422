-- Slices of shared budgets that processes hold.
create table kavach.leases (
  id uuid not null,
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  budget_id uuid not null,
  window_start timestamptz not null,
  instance uuid not null,
  agent_id uuid not null,
  granted numeric(30, 9) not null default 0 check (granted >= 0),
  used numeric(30, 9) not null default 0 check (used >= 0),
  seq bigint not null default 0,
  state text not null default 'open' check (state in ('open', 'closed', 'expired')),
  expires_at timestamptz not null,
  reclaim_at timestamptz not null,
  opened_at timestamptz not null default now(),
  ended_at timestamptz,
  -- The process chooses the id, so it must not collide with another organisation's.
  primary key (org_id, id),
  foreign key (org_id, budget_id) references kavach.budgets (org_id, id) on delete cascade,
  foreign key (org_id, agent_id) references kavach.agents (org_id, id) on delete cascade
) with (fillfactor = 70);

create index leases_reclaim_idx on kavach.leases (reclaim_at) where state = 'open';
create index leases_budget_idx on kavach.leases (org_id, budget_id, window_start);
create index leases_agent_idx on kavach.leases (org_id, agent_id);
create index leases_ended_idx on kavach.leases (ended_at) where state <> 'open';

comment on table kavach.leases is 'Slices of shared and organisation budgets that processes spend in memory.';
comment on column kavach.leases.id is 'Chosen by the process: asking twice opens one lease.';
comment on column kavach.leases.org_id is 'The organisation.';
comment on column kavach.leases.budget_id is 'The budget.';
comment on column kavach.leases.window_start is 'The window of the budget; -infinity for total.';
comment on column kavach.leases.instance is 'The process that holds it.';
comment on column kavach.leases.agent_id is 'The agent that the process runs.';
comment on column kavach.leases.granted is 'The slice in all, what was used included.';
comment on column kavach.leases.used is 'What the process has reported as spent.';
comment on column kavach.leases.seq is 'The newest request that was seen; older ones change nothing.';
comment on column kavach.leases.state is 'open; closed: given back; expired: taken back because the process fell silent.';
comment on column kavach.leases.expires_at is 'After this the holder reserves no more from it.';
comment on column kavach.leases.reclaim_at is 'After this nothing can be spent from it any more, and the authority may take it back.';
comment on column kavach.leases.opened_at is 'When it was opened.';
comment on column kavach.leases.ended_at is 'When it was closed or taken back.';

alter table kavach.leases enable row level security;
revoke all on kavach.leases from public, anon, authenticated;
grant select on kavach.leases to authenticated;
grant select, insert, update, delete on kavach.leases to service_role;

create policy "callers can read their organisation's leases"
on kavach.leases for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));
