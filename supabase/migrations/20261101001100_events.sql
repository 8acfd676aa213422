-- Events, one partition for each UTC day. Partitions live in schema private, where nobody reads them around the policy.
-- There is no foreign key: it would be checked for each of thousands of rows a second, and days are dropped as a whole.
create table kavach.events (
  org_id uuid not null,
  id uuid not null,
  at timestamptz not null,
  started_at timestamptz not null,
  received_at timestamptz not null default now(),
  type text not null check (type in ('call', 'charge', 'denied', 'kill', 'resume')),
  agent_id uuid not null,
  run uuid not null,
  user_name text,
  tags text[],
  provider text,
  model text,
  cost numeric(20, 9) not null default 0,
  tokens bigint not null default 0,
  calls bigint not null default 0,
  input_tokens bigint,
  output_tokens bigint,
  tool_calls bigint,
  outcome text,
  estimated boolean not null default false,
  code text,
  message text,
  prompt text
) partition by range (at);

create index events_agent_newest_idx on kavach.events (org_id, agent_id, at desc, id desc);
create index events_run_idx on kavach.events (run, at, id);

comment on table kavach.events is 'Everything that agents report, by UTC day. Kept for 30 days. Name org_id and a range of at when you query it.';
comment on column kavach.events.org_id is 'The organisation.';
comment on column kavach.events.id is 'Made by the SDK: the same id is the same event however often it is sent.';
comment on column kavach.events.at is 'When it was over.';
comment on column kavach.events.started_at is 'When the call''s reservation was taken; it is charged to that window.';
comment on column kavach.events.received_at is 'When the backend stored it.';
comment on column kavach.events.type is 'call, charge (money outside a call), denied, kill, resume.';
comment on column kavach.events.agent_id is 'The agent.';
comment on column kavach.events.run is 'The run (kavach.runs.id).';
comment on column kavach.events.user_name is 'The user, where the code says so.';
comment on column kavach.events.tags is 'The tags, where the code says so.';
comment on column kavach.events.provider is 'openai, anthropic, …; charge for money outside a call.';
comment on column kavach.events.model is 'The model, or the name of the charge.';
comment on column kavach.events.cost is 'US dollars.';
comment on column kavach.events.tokens is 'Input and output tokens together, as charged to token budgets.';
comment on column kavach.events.calls is 'Requests to the provider, as charged to call budgets.';
comment on column kavach.events.input_tokens is 'Input tokens; null when unknown.';
comment on column kavach.events.output_tokens is 'Output tokens; null when unknown.';
comment on column kavach.events.tool_calls is 'Tool calls that the model asked for.';
comment on column kavach.events.outcome is 'completed, released, cancelled, unknown, charge.';
comment on column kavach.events.estimated is 'The provider did not say what it billed: cost is an upper bound.';
comment on column kavach.events.code is 'For denied and kill: the error''s code or the reason.';
comment on column kavach.events.message is 'For denied and kill: the sentence that the code saw.';
comment on column kavach.events.prompt is 'The prompt''s first characters; null unless prompt logging is on.';

alter table kavach.events enable row level security;
revoke all on kavach.events from public, anon, authenticated;
grant select on kavach.events to authenticated;
grant select on kavach.events to service_role;

create policy "callers can read their organisation's events"
on kavach.events for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));

-- Made apart and then attached, which readers and writers of other days do not notice.
create function private.ensure_partitions(p_days int default 7)
returns int
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_day date;
  v_today date := (now() at time zone 'UTC')::date;
  v_name text;
  v_made int := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('kavach.partitions', 0));
  for v_day in select generate_series(v_today - 30, v_today + p_days, interval '1 day')::date loop
    v_name := 'events_' || to_char(v_day, 'YYYYMMDD');
    continue when to_regclass('private.' || v_name) is not null;
    execute format('create table private.%I (like kavach.events including defaults including constraints including comments)', v_name);
    execute format('alter table private.%I add primary key (org_id, id)', v_name);
    execute format('alter table private.%I enable row level security', v_name);
    -- Queries of kavach.events ask its policy, not this one.
    execute format('create policy "nobody reads a day directly" on private.%I for select to authenticated using (false)', v_name);
    execute format('comment on table private.%I is %L', v_name, 'Events of ' || v_day || ' (UTC).');
    execute format(
      'alter table kavach.events attach partition private.%I for values from (%L) to (%L)',
      v_name, v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC'
    );
    v_made := v_made + 1;
  end loop;
  return v_made;
end;
$$;

comment on function private.ensure_partitions(int) is 'Makes the partitions of events from 30 days ago to so many days ahead. Returns how many it made.';

revoke execute on all functions in schema private from public;
grant execute on function private.ensure_partitions(int) to service_role;

select private.ensure_partitions();

-- An organisation's events go when it goes, although no foreign key says so.
create function private.delete_events_of_organization()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from kavach.events e where e.org_id = old.id;
  return null;
end;
$$;

comment on function private.delete_events_of_organization() is 'Deletes the events of a deleted organisation.';
revoke execute on function private.delete_events_of_organization() from public;

create trigger delete_events
after delete on kavach.organizations
for each row execute function private.delete_events_of_organization();
