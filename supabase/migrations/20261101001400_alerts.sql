-- Who is told at which threshold, and the thresholds that were reached: the outbox and its history.
-- What may be shown of a target: enough to recognise it.
create function private.target_hint(p_target jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(t.key, case
    when t.key in ('webhookUrl', 'url', 'routingKey', 'secret') then to_jsonb('…' || right(t.value #>> '{}', 4))
    when t.key = 'to' then t.value
    else to_jsonb('…'::text)
  end), '{}')
  from jsonb_each(p_target) t;
$$;

comment on function private.target_hint(jsonb) is 'A target without its secrets: the last four characters of each, and e-mail addresses as they are.';
revoke execute on function private.target_hint(jsonb) from public;
-- A generated column is computed with the rights of whoever writes the row.
grant execute on function private.target_hint(jsonb) to authenticated, service_role;

create table kavach.alert_rules (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  agent_id uuid,
  budget_id uuid,
  threshold numeric(6, 4) not null check (threshold > 0 and threshold <= 10),
  channel text not null check (channel in ('slack', 'pagerduty', 'email', 'webhook', 'kill')),
  target jsonb not null default '{}' check (jsonb_typeof(target) = 'object' and length(target::text) <= 4000),
  target_hint jsonb generated always as (private.target_hint(target)) stored,
  template jsonb check (length(template::text) <= 16000),
  cooldown_seconds int not null default 300 check (cooldown_seconds between 0 and 604800),
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  foreign key (org_id, agent_id) references kavach.agents (org_id, id) on delete cascade,
  foreign key (org_id, budget_id) references kavach.budgets (org_id, id) on delete cascade
);

create index alert_rules_org_idx on kavach.alert_rules (org_id, agent_id);
create index alert_rules_budget_idx on kavach.alert_rules (org_id, budget_id);

comment on table kavach.alert_rules is 'At which share of a budget who is told, or the agent is stopped.';
comment on column kavach.alert_rules.id is 'Identifier.';
comment on column kavach.alert_rules.org_id is 'The organisation.';
comment on column kavach.alert_rules.agent_id is 'Only budgets of this agent; null = of all agents.';
comment on column kavach.alert_rules.budget_id is 'Only this budget; null = all.';
comment on column kavach.alert_rules.threshold is 'Share of the limit: 0.7 = 70 %.';
comment on column kavach.alert_rules.channel is 'slack, pagerduty, email, webhook; kill stops the agent in the same transaction.';
comment on column kavach.alert_rules.target is 'Where to: webhookUrl, routingKey, to, url, secret. Not selectable by API callers.';
comment on column kavach.alert_rules.target_hint is 'The target without its secrets, to recognise it.';
comment on column kavach.alert_rules.template is 'Replaces the default message; null = default.';
comment on column kavach.alert_rules.cooldown_seconds is 'No second message about the same budget and threshold within so many seconds.';
comment on column kavach.alert_rules.enabled is 'Whether it is in force.';
comment on column kavach.alert_rules.created_at is 'When it was created.';

create table kavach.alert_events (
  id bigint generated always as identity primary key,
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  agent_id uuid,
  budget_id uuid not null,
  holder text not null default '',
  window_start timestamptz not null,
  threshold numeric(6, 4) not null,
  spent numeric(30, 9) not null,
  limit_amount numeric(30, 9) not null,
  state text not null default 'pending' check (state in ('pending', 'sent', 'failed', 'skipped')),
  attempts int not null default 0,
  next_attempt_at timestamptz not null default now(),
  deliveries jsonb not null default '{}',
  created_at timestamptz not null default now(),
  foreign key (org_id, agent_id) references kavach.agents (org_id, id) on delete cascade,
  foreign key (org_id, budget_id) references kavach.budgets (org_id, id) on delete cascade
) with (fillfactor = 80);

create index alert_events_pending_idx on kavach.alert_events (next_attempt_at) where state = 'pending';
create index alert_events_newest_idx on kavach.alert_events (org_id, created_at desc, id desc);
create index alert_events_agent_idx on kavach.alert_events (org_id, agent_id, created_at desc);
create index alert_events_budget_idx on kavach.alert_events (org_id, budget_id, threshold, created_at desc);

comment on table kavach.alert_events is 'Thresholds that were reached, once per window and holder: the outbox of the dispatcher, and the history. Kept for 30 days.';
comment on column kavach.alert_events.id is 'Identifier.';
comment on column kavach.alert_events.org_id is 'The organisation.';
comment on column kavach.alert_events.agent_id is 'The agent; null for shared and organisation budgets.';
comment on column kavach.alert_events.budget_id is 'The budget.';
comment on column kavach.alert_events.holder is 'The user or tag; empty for other budgets.';
comment on column kavach.alert_events.window_start is 'The window; -infinity for total.';
comment on column kavach.alert_events.threshold is 'Share of the limit that was reached.';
comment on column kavach.alert_events.spent is 'Spent at that moment, in the budget''s unit.';
comment on column kavach.alert_events.limit_amount is 'The limit at that moment.';
comment on column kavach.alert_events.state is 'pending; sent; failed: given up; skipped: no rule asks for it, or its window is long over.';
comment on column kavach.alert_events.attempts is 'How often delivery was tried.';
comment on column kavach.alert_events.next_attempt_at is 'When it is tried next.';
comment on column kavach.alert_events.deliveries is 'By rule: when it was delivered, or the last error.';
comment on column kavach.alert_events.created_at is 'When the threshold was reached.';

alter table kavach.alert_rules enable row level security;
alter table kavach.alert_events enable row level security;
revoke all on kavach.alert_rules, kavach.alert_events from public, anon, authenticated;
grant select (id, org_id, agent_id, budget_id, threshold, channel, target_hint, template, cooldown_seconds, enabled, created_at)
on kavach.alert_rules to authenticated;
grant insert (org_id, agent_id, budget_id, threshold, channel, target, template, cooldown_seconds, enabled)
on kavach.alert_rules to authenticated;
grant update (agent_id, budget_id, threshold, channel, target, template, cooldown_seconds, enabled)
on kavach.alert_rules to authenticated;
grant delete on kavach.alert_rules to authenticated;
grant select on kavach.alert_events to authenticated;
grant select, insert, update, delete on kavach.alert_rules, kavach.alert_events to service_role;

create policy "callers can read their organisation's alert rules"
on kavach.alert_rules for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));

create policy "admins can create alert rules"
on kavach.alert_rules for insert
to authenticated
with check (org_id = any (array(select private.orgs_with('admin'))));

create policy "admins can change alert rules"
on kavach.alert_rules for update
to authenticated
using (org_id = any (array(select private.orgs_with('admin'))))
with check (org_id = any (array(select private.orgs_with('admin'))));

create policy "admins can delete alert rules"
on kavach.alert_rules for delete
to authenticated
using (org_id = any (array(select private.orgs_with('admin'))));

create policy "callers can read their organisation's alerts"
on kavach.alert_events for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));
