-- private.ingest: the batch itself.
create function private.ingest(p_instance uuid, p_events jsonb, p_invalid jsonb)
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_org uuid := private.caller_org('sdk');
  v_now timestamptz := clock_timestamp();
  v_day timestamptz := date_trunc('day', v_now, 'UTC');
  v_names text[];
  v_known_names text[];
  v_known_ids uuid[];
  v_stored private.stored_event[];
  v_rejected jsonb;
  v_left record;
  v_accepted int;
  v_conflicts int[];
begin
  perform private.refuse_over_daily_limit(v_org, v_day);
  if jsonb_array_length(p_events) + jsonb_array_length(p_invalid) > 1000 then
    perform private.refuse(413, 'batch_too_large', 'A batch has at most 1,000 events. Send smaller batches.');
  end if;

  select array_agg(distinct e.value ->> 'agent') into v_names from jsonb_array_elements(p_events) e;
  perform private.ensure_agents(v_org, v_names);
  -- The lock keeps a first connect from missing what is about to be stored.
  select array_agg(a.name), array_agg(a.id) into v_known_names, v_known_ids
  from (
    select a.id, a.name from kavach.agents a where a.org_id = v_org and a.name = any (v_names) order by a.id for key share
  ) a;
  if v_names is not null and v_known_ids is null then
    perform private.refuse_agent(v_org, v_names[1]);
  end if;
  if to_regclass('private.events_' || to_char(v_now at time zone 'UTC', 'YYYYMMDD')) is null
    or to_regclass('private.events_' || to_char(v_now at time zone 'UTC' + interval '5 minutes', 'YYYYMMDD')) is null then
    perform private.ensure_partitions();
  end if;

  with parsed as materialized (
    select x.*, a.id as agent_id, to_timestamp(x.at::double precision / 1000) as ended
    from jsonb_to_recordset(p_events) as x (
      index int, id uuid, agent text, "runId" text, at bigint, "startedAt" bigint, type text, "user" text, tags text[],
      provider text, model text, name text, outcome text, estimated boolean, nano bigint, tokens bigint, calls bigint,
      "inputTokens" bigint, "outputTokens" bigint, "toolCalls" bigint, prompt text, code text, message text
    )
    left join unnest(v_known_names, v_known_ids) as a (name, id) on a.name = x.agent
  ),
  judged as materialized (
    select p.*,
      case
        when p.ended > v_now + interval '5 minutes' then 'clock_skew'
        when p.ended < v_now - interval '30 days' then 'too_old'
        when p.agent_id is null then 'tier_agent_limit'
      end as fault,
      row_number() over (partition by p.id order by p.index) as copy,
      overlay(overlay(md5(p.agent_id::text || ':' || p."runId") placing '8' from 13) placing '8' from 17)::uuid as run
    from parsed p
  ),
  inserted as (
    insert into kavach.events as e (
      org_id, id, at, started_at, received_at, type, agent_id, run, user_name, tags, provider, model, cost, tokens, calls,
      input_tokens, output_tokens, tool_calls, outcome, estimated, code, message, prompt
    )
    select v_org, j.id, j.ended,
      -- A clock that was set back meanwhile must not put the start behind the end, nor into a window of long ago.
      greatest(least(to_timestamp(coalesce(j."startedAt", j.at)::double precision / 1000), j.ended), j.ended - interval '30 days'),
      v_now, j.type, j.agent_id, j.run, j."user", j.tags,
      case when j.type = 'charge' then 'charge' else j.provider end, case when j.type = 'charge' then j.name else j.model end,
      coalesce(j.nano, 0) * 0.000000001, coalesce(j.tokens, 0), coalesce(j.calls, 0),
      j."inputTokens", j."outputTokens", j."toolCalls",
      case when j.type = 'charge' then 'charge' else j.outcome end, coalesce(j.estimated, false), j.code, j.message, j.prompt
    from judged j
    where j.fault is null and j.copy = 1
    -- Always in the same order: batches that hold the same events wait for each other instead of locking each other out.
    order by j.id
    on conflict do nothing
    returning e.id, e.started_at
  ),
  buried as (
    insert into kavach.dead_letters (org_id, event_id, reason, detail, payload)
    select v_org, j.id::text, case j.fault when 'tier_agent_limit' then 'invalid' else j.fault end, d.detail,
      private.payload_of((select e.value from jsonb_array_elements(p_events) e where (e.value ->> 'index')::int = j.index limit 1))
    from judged j
    cross join lateral (select private.fault_detail(j.fault, j.agent, j.ended, v_now) as detail) d
    where j.fault is not null
    returning 1
  ),
  joined as (
    select j.*, i.started_at
    from judged j left join inserted i on i.id = j.id and j.copy = 1 and j.fault is null
  )
  select
    array_agg(row(
      j.agent_id, j.ended, j.started_at, j.type, j.run, j."runId", j."user", j.tags,
      case when j.type = 'charge' then 'charge' else j.provider end, case when j.type = 'charge' then j.name else j.model end,
      coalesce(j.nano, 0), coalesce(j.tokens, 0), coalesce(j.calls, 0), j."inputTokens", j."outputTokens", j."toolCalls",
      coalesce(j.estimated, false), j.code
    )::private.stored_event) filter (where j.started_at is not null),
    coalesce(jsonb_agg(jsonb_build_object(
      'index', j.index, 'id', j.id, 'reason', case j.fault when 'tier_agent_limit' then 'invalid' else j.fault end,
      'detail', private.fault_detail(j.fault, j.agent, j.ended, v_now)
    )) filter (where j.fault is not null), '[]'),
    array_agg(j.index) filter (where j.fault is null and j.started_at is null) as not_stored
  into v_stored, v_rejected, v_conflicts
  from joined j;

  v_accepted := coalesce(cardinality(v_stored), 0);
  if v_conflicts is not null then
    v_rejected := v_rejected || private.bury_conflicts(v_org, p_events, v_conflicts);
  end if;
  if jsonb_array_length(p_invalid) > 0 then
    insert into kavach.dead_letters (org_id, event_id, reason, detail, payload)
    select v_org, left(i.value ->> 'id', 200), coalesce(i.value ->> 'reason', 'invalid'),
      left(coalesce(i.value ->> 'detail', 'not valid'), 2000), private.payload_of(i.value -> 'payload')
    from jsonb_array_elements(p_invalid) i;
    v_rejected := v_rejected || (select jsonb_agg(i.value - 'payload') from jsonb_array_elements(p_invalid) i);
  end if;

  if v_accepted > 0 then
    perform private.roll_up(v_org, v_stored);
    perform private.charge_windows(v_org, v_stored);
    perform private.fire_exhausted(v_org, v_stored);
  end if;
  -- What was refused takes room too; what came again does not.
  if v_accepted + jsonb_array_length(v_rejected) > 0 then
    perform private.count_use(v_org, 'events', v_day, v_accepted + jsonb_array_length(v_rejected));
  end if;
  perform private.see_agents(v_known_ids);
  return jsonb_build_object(
    'accepted', v_accepted,
    'duplicates', jsonb_array_length(p_events) + jsonb_array_length(p_invalid) - v_accepted - jsonb_array_length(v_rejected),
    'rejected', coalesce((select jsonb_agg(r.value order by (r.value ->> 'index')::int) from jsonb_array_elements(v_rejected) r), '[]')
  ) || private.ingest_answer(v_org, v_known_ids, v_stored);
end;
$$;

create function private.fault_detail(p_fault text, p_agent text, p_at timestamptz, p_now timestamptz)
returns text
language sql
stable
set search_path = ''
as $$
  select case p_fault
    when 'clock_skew' then format('at is %s seconds ahead of the backend''s clock; at most 300 are allowed. Set the clock.',
      round(extract(epoch from p_at - p_now)))
    when 'too_old' then format('at is %s days ago; events of the last 30 days are stored.',
      round(extract(epoch from p_now - p_at) / 86400, 1))
    when 'tier_agent_limit' then format('tier_agent_limit: the plan has no room for the agent %s.', to_json(p_agent))
  end;
$$;

-- Events whose id is stored already: the same event again is a duplicate, another one under its id is a conflict.
create function private.bury_conflicts(p_org uuid, p_events jsonb, p_indexes int[])
returns jsonb
language sql
set search_path = ''
as $$
  with again as (
    select e.value, (e.value ->> 'index')::int as index, (e.value ->> 'id')::uuid as id
    from jsonb_array_elements(p_events) e
    where (e.value ->> 'index')::int = any (p_indexes)
  ),
  different as (
    select a.value, a.index, a.id
    from again a
    where not exists (
      select
      from kavach.events s
      join kavach.agents g on g.id = s.agent_id
      where s.org_id = p_org and s.id = a.id
        and s.at = to_timestamp((a.value ->> 'at')::double precision / 1000)
        and s.type = a.value ->> 'type' and g.name = a.value ->> 'agent'
        and s.cost = coalesce((a.value ->> 'nano')::numeric, 0) * 0.000000001
    )
  ),
  buried as (
    insert into kavach.dead_letters (org_id, event_id, reason, detail, payload)
    select p_org, d.id::text, 'conflict', 'Another event is stored under this id. Give each event an id of its own.',
      private.payload_of(d.value)
    from different d
  )
  select coalesce(jsonb_agg(jsonb_build_object(
    'index', d.index, 'id', d.id, 'reason', 'conflict',
    'detail', 'Another event is stored under this id. Give each event an id of its own.'
  )), '[]')
  from different d;
$$;

-- Of the windows that may have stopped an agent it was the fullest one. charge_windows has locked them.
create function private.fire_exhausted(p_org uuid, p_events private.stored_event[])
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_stop record;
begin
  for v_stop in
    select distinct on (b.agent_id, b.unit) w.budget_id, w.holder, w.window_start
    from private.suspect_windows(p_org, p_events) w
    join kavach.budgets b on b.id = w.budget_id
    order by b.agent_id, b.unit, w.spent / b.limit_amount desc, w.budget_id, w.holder
  loop
    perform private.fire_thresholds(array[v_stop.budget_id], array[v_stop.holder], array[v_stop.window_start], true);
  end loop;
end;
$$;

comment on function private.ingest(uuid, jsonb, jsonb) is
  'IngestAnswer for a batch of WireEvents with their index, and for the invalid ones, which go to the dead letters. Scope sdk.';
comment on function private.fault_detail(text, text, timestamptz, timestamptz) is 'The sentence for a refused event.';
comment on function private.bury_conflicts(uuid, jsonb, int[]) is 'Dead letters for events whose id belongs to another event; returns them as RejectedEvent[].';
comment on function private.fire_exhausted(uuid, private.stored_event[]) is 'Fires 100 % for the budget that stopped an agent.';

revoke execute on all functions in schema private from public;
grant execute on function private.ingest(uuid, jsonb, jsonb) to authenticated, service_role;
