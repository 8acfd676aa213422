-- Budgets, and what was spent and is leased in each of their windows.
create table kavach.budgets (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  agent_id uuid,
  scope text not null check (scope in ('agent', 'user', 'tag', 'shared', 'org')),
  name text not null default '' check (length(name) <= 210),
  unit text not null default 'usd' check (unit in ('usd', 'tokens', 'calls')),
  period text not null check (period in ('hourly', 'daily', 'weekly', 'monthly', 'total')),
  time_zone text not null default 'UTC' check (private.is_time_zone(time_zone)),
  limit_amount numeric(30, 9) not null check (limit_amount > 0),
  declared_amount numeric(30, 9) check (declared_amount > 0),
  managed_by text not null default 'operator' check (managed_by in ('code', 'operator')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- So that what belongs to a budget can be held to the same organisation by its foreign key.
  unique (org_id, id),
  foreign key (org_id, agent_id) references kavach.agents (org_id, id) on delete cascade,
  check ((scope in ('shared', 'org')) = (agent_id is null)),
  check (scope <> 'shared' or name <> ''),
  check (unit = 'usd' or limit_amount = trunc(limit_amount))
);

create unique index budgets_agent_key on kavach.budgets (org_id, agent_id, scope, name, unit, period, time_zone)
where agent_id is not null;
-- The same identity as the SDK's pools: the name and period, or the period alone.
create unique index budgets_shared_key on kavach.budgets (org_id, name, period) where scope = 'shared';
create unique index budgets_org_key on kavach.budgets (org_id, period) where scope = 'org';
create index budgets_agent_idx on kavach.budgets (org_id, agent_id);

comment on table kavach.budgets is 'How much of what in which window. Change a limit with: select kavach.set_limit(id, dollars).';
comment on column kavach.budgets.id is 'Identifier.';
comment on column kavach.budgets.org_id is 'The organisation.';
comment on column kavach.budgets.agent_id is 'The agent; null for shared and organisation budgets.';
comment on column kavach.budgets.scope is 'Whose spend is counted: agent, user (each), tag (each), shared (a pool), org.';
comment on column kavach.budgets.name is 'The pool''s name, or the name in the code; empty where it has none.';
comment on column kavach.budgets.unit is 'What is counted: usd, tokens, calls.';
comment on column kavach.budgets.period is 'How long a window is: hourly, daily, weekly, monthly, total.';
comment on column kavach.budgets.time_zone is 'The IANA zone whose midnight starts the windows.';
comment on column kavach.budgets.limit_amount is 'The limit that holds, in dollars, tokens or calls.';
comment on column kavach.budgets.declared_amount is 'The limit in the agent''s code; null when no code has declared it.';
comment on column kavach.budgets.managed_by is 'code: the limit follows the agent''s code. operator: a person has set it, and it stays.';
comment on column kavach.budgets.created_at is 'When it was created.';
comment on column kavach.budgets.updated_at is 'When its limit last changed.';

create table kavach.budget_windows (
  budget_id uuid not null references kavach.budgets (id) on delete cascade,
  holder text not null default '' check (length(holder) <= 200),
  window_start timestamptz not null,
  window_end timestamptz not null,
  spent numeric(30, 9) not null default 0 check (spent >= 0),
  leased numeric(30, 9) not null default 0 check (leased >= 0),
  estimated numeric(30, 9) not null default 0 check (estimated >= 0),
  fired numeric[] not null default '{}',
  wanted_by uuid,
  wanted_until timestamptz,
  updated_at timestamptz not null default now(),
  primary key (budget_id, window_start, holder)
-- Only the key is indexed, so that the frequent updates stay on their page.
) with (fillfactor = 50);

comment on table kavach.budget_windows is 'What was spent and is leased, for each budget, holder and window. A lease is granted only while spent + leased ≤ the limit.';
comment on column kavach.budget_windows.budget_id is 'The budget.';
comment on column kavach.budget_windows.holder is 'The user or tag whose account it is; empty for other budgets.';
comment on column kavach.budget_windows.window_start is 'When the window begins; -infinity for total.';
comment on column kavach.budget_windows.window_end is 'When it ends; infinity for total.';
comment on column kavach.budget_windows.spent is 'Spent so far, in the budget''s unit.';
comment on column kavach.budget_windows.leased is 'Granted to processes and not yet reported as spent.';
comment on column kavach.budget_windows.estimated is 'The part of spent that is an upper bound: calls whose usage is unknown, and leases of processes that died.';
comment on column kavach.budget_windows.fired is 'Thresholds that have fired, as shares of the limit.';
comment on column kavach.budget_windows.wanted_by is 'The lease that was last refused what a waiting call needs; null where nobody waits.';
comment on column kavach.budget_windows.wanted_until is 'Until then it is taken to wait: its holder asks again sooner.';
comment on column kavach.budget_windows.updated_at is 'When it last changed.';

alter table kavach.budgets enable row level security;
alter table kavach.budget_windows enable row level security;
revoke all on kavach.budgets, kavach.budget_windows from public, anon, authenticated;
grant select, delete on kavach.budgets to authenticated;
-- What a person creates is managed by a person: the other columns keep their defaults. Limits change through kavach.set_limit.
grant insert (org_id, agent_id, scope, name, unit, period, time_zone, limit_amount) on kavach.budgets to authenticated;
grant select on kavach.budget_windows to authenticated;
grant select, insert, update, delete on kavach.budgets, kavach.budget_windows to service_role;

create policy "callers can read their organisation's budgets"
on kavach.budgets for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));

create policy "admins can create budgets"
on kavach.budgets for insert
to authenticated
with check (org_id = any (array(select private.orgs_with('admin'))));

create policy "admins can delete budgets"
on kavach.budgets for delete
to authenticated
using (org_id = any (array(select private.orgs_with('admin'))));

create policy "callers can read the windows of their organisation's budgets"
on kavach.budget_windows for select
to authenticated
using (budget_id in (select b.id from kavach.budgets b where b.org_id = any (array(select private.orgs_with('read')))));
