-- Taking in events: a batch is stored, rolled up, charged and judged in one transaction, with one statement for each table.
create function private.payload_of(p_payload jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select case when octet_length(p_payload::text) <= 8192 then p_payload else to_jsonb(left(p_payload::text, 2000)) end;
$$;

comment on function private.payload_of(jsonb) is 'What a dead letter keeps of an event: all of it, or above 8 kB its first 2,000 characters.';

create function private.refuse_over_daily_limit(p_org uuid, p_day timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_plan kavach.plans;
  v_used bigint := private.used(p_org, 'events', p_day);
begin
  select p.* into v_plan from kavach.organizations o join kavach.plans p on p.id = o.plan_id where o.id = p_org;
  if v_used >= v_plan.max_events_per_day then
    perform private.refuse(
      429, 'daily_limit',
      format('The %s plan stores %s events a day, and today has %s. It reopens at midnight UTC; upgrade to go on now.',
        v_plan.name, v_plan.max_events_per_day, v_used),
      jsonb_build_object(
        'reason', 'daily_limit', 'limit', v_plan.max_events_per_day, 'used', v_used, 'plan', v_plan.id,
        'retryAfterSeconds', greatest(1, ceil(extract(epoch from p_day + interval '1 day' - clock_timestamp())))::int
      )
    );
  end if;
end;
$$;

comment on function private.refuse_over_daily_limit(uuid, timestamptz) is 'Refuses with 429 daily_limit once the plan''s events of the UTC day are used up.';

create function private.roll_up(p_org uuid, p_events private.stored_event[])
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into kavach.runs as r
    (id, org_id, agent_id, run_id, started_at, last_event_at, cost, calls, tokens, tool_calls, denied, user_name, tags)
  select e.run, p_org, e.agent_id, e.run_id, min(e.started_at), max(e.at), sum(e.nano) * 0.000000001, sum(e.calls),
    sum(e.tokens), sum(coalesce(e.tool_calls, 0)), count(*) filter (where e.type = 'denied'), max(e.user_name),
    coalesce(max(t.tags), '{}')
  from unnest(p_events) e
  left join (
    select g.run, (array_agg(g.tag order by g.tag))[1:32] as tags
    from (select distinct s.run, unnest(s.tags) as tag from unnest(p_events) s) g
    group by g.run
  ) t using (run)
  group by e.run, e.agent_id, e.run_id
  order by e.agent_id, e.run_id
  -- By the id, which agent and run id decide: its index is the first that two batches meet in.
  on conflict (id) do update
  set started_at = least(r.started_at, excluded.started_at),
    last_event_at = greatest(r.last_event_at, excluded.last_event_at),
    cost = r.cost + excluded.cost,
    calls = r.calls + excluded.calls,
    tokens = r.tokens + excluded.tokens,
    tool_calls = r.tool_calls + excluded.tool_calls,
    denied = r.denied + excluded.denied,
    user_name = coalesce(excluded.user_name, r.user_name),
    tags = case when excluded.tags <@ r.tags then r.tags else
      (select (array_agg(u.tag order by u.tag))[1:32] from (select unnest(r.tags) union select unnest(excluded.tags)) as u (tag)) end;

  insert into kavach.hourly_spend as s
    (org_id, agent_id, bucket, provider, model, cost, calls, tokens, input_tokens, output_tokens, estimated_cost)
  select p_org, e.agent_id, date_trunc('hour', e.started_at, 'UTC'), e.provider, e.model, sum(e.nano) * 0.000000001,
    sum(e.calls), sum(e.tokens), coalesce(sum(e.input_tokens), 0), coalesce(sum(e.output_tokens), 0),
    coalesce(sum(e.nano) filter (where e.estimated), 0) * 0.000000001
  from unnest(p_events) e
  where e.type in ('call', 'charge')
  group by 2, 3, 4, 5
  order by 2, 3, 4, 5
  on conflict (org_id, agent_id, bucket, provider, model) do update
  set cost = s.cost + excluded.cost, calls = s.calls + excluded.calls, tokens = s.tokens + excluded.tokens,
    input_tokens = s.input_tokens + excluded.input_tokens, output_tokens = s.output_tokens + excluded.output_tokens,
    estimated_cost = s.estimated_cost + excluded.estimated_cost;

  insert into kavach.daily_spend as s
    (org_id, agent_id, bucket, provider, model, cost, calls, tokens, input_tokens, output_tokens, estimated_cost)
  select p_org, e.agent_id, date_trunc('day', e.started_at, 'UTC'), e.provider, e.model, sum(e.nano) * 0.000000001,
    sum(e.calls), sum(e.tokens), coalesce(sum(e.input_tokens), 0), coalesce(sum(e.output_tokens), 0),
    coalesce(sum(e.nano) filter (where e.estimated), 0) * 0.000000001
  from unnest(p_events) e
  where e.type in ('call', 'charge')
  group by 2, 3, 4, 5
  order by 2, 3, 4, 5
  on conflict (org_id, agent_id, bucket, provider, model) do update
  set cost = s.cost + excluded.cost, calls = s.calls + excluded.calls, tokens = s.tokens + excluded.tokens,
    input_tokens = s.input_tokens + excluded.input_tokens, output_tokens = s.output_tokens + excluded.output_tokens,
    estimated_cost = s.estimated_cost + excluded.estimated_cost;
end;
$$;

comment on function private.roll_up(uuid, private.stored_event[]) is 'Adds events to their runs and to the hourly and daily spend.';

create function private.ingest_answer(p_org uuid, p_agents uuid[], p_events private.stored_event[])
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'agents', coalesce((
      select jsonb_agg(private.agent_state(a) order by a.name) from kavach.agents a where a.id = any (p_agents)
    ), '[]'),
    'budgets', coalesce((
      select jsonb_agg(
        jsonb_build_object('budgetId', b.id) || private.present_spend(b, case b.scope
          when 'agent' then array['']
          when 'user' then array(select distinct coalesce(e.user_name, '') from unnest(p_events) e)
          else array(select distinct t.tag from unnest(p_events) e, unnest(e.tags) as t (tag))
        end)
        order by b.id
      )
      from kavach.budgets b
      where b.org_id = p_org and b.agent_id = any (p_agents)
    ), '[]'),
    'serverTime', private.to_millis(clock_timestamp())
  );
end;
$$;

comment on function private.ingest_answer(uuid, uuid[], private.stored_event[]) is 'The agents and budgets of IngestAnswer.';

revoke execute on all functions in schema private from public;
