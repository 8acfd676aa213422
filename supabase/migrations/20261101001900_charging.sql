-- What stored events are charged to: the windows of the agent's own budgets, its users' and its tags'. Shared and
-- organisation budgets are charged by leases alone.
create type private.stored_event as (
  agent_id uuid,
  at timestamptz,
  started_at timestamptz,
  type text,
  run uuid,
  run_id text,
  user_name text,
  tags text[],
  provider text,
  model text,
  nano numeric,
  tokens numeric,
  calls numeric,
  input_tokens numeric,
  output_tokens numeric,
  tool_calls numeric,
  estimated boolean,
  code text
);

comment on type private.stored_event is 'An event that was really inserted, on its way to the roll-ups.';

-- Under a hard limit the spend never reaches 100 % exactly: the agent says that a budget of its has stopped it.
create function private.suspect_windows(p_org uuid, p_events private.stored_event[])
returns setof kavach.budget_windows
language plpgsql
stable
rows 2
set search_path = ''
as $$
begin
  if not exists (select from unnest(p_events) e where e.type = 'kill') then
    return;
  end if;
  return query
  select w.*
  from (
    select distinct e.agent_id, case e.code when 'cost' then 'usd' else e.code end as unit, e.at
    from unnest(p_events) e
    where e.type = 'kill' and e.code in ('cost', 'tokens', 'calls')
  ) stop
  join kavach.budgets b on b.org_id = p_org and b.agent_id = stop.agent_id and b.unit = stop.unit
  cross join lateral (
    select w.*
    from kavach.budget_windows w
    where w.budget_id = b.id and w.window_start <= stop.at and w.window_end > stop.at and w.spent >= 0.5 * b.limit_amount
    order by w.spent desc
    limit 20
  ) w;
end;
$$;

comment on function private.suspect_windows(uuid, private.stored_event[]) is 'Windows at least half full of agents that were stopped by a budget.';

create function private.charge_windows(p_org uuid, p_events private.stored_event[], p_only uuid[] default null)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_budgets uuid[];
  v_holders text[];
  v_starts timestamptz[];
begin
  with spend as materialized (
    -- A window's border lies on a whole minute in every zone of today, so a minute is in one window.
    select e.agent_id, date_trunc('minute', e.started_at) as minute, e.user_name, e.tags, e.estimated,
      sum(e.nano) as nano, sum(e.tokens) as tokens, sum(e.calls) as calls
    from unnest(p_events) e
    where e.type in ('call', 'charge')
    group by 1, 2, 3, 4, 5
  ),
  budgets as materialized (
    select b.id, b.agent_id, b.scope, b.unit, b.period, b.time_zone
    from kavach.budgets b
    where b.org_id = p_org and b.agent_id in (select s.agent_id from spend s)
      and (p_only is null or b.id = any (p_only))
  ),
  windows as materialized (
    select b.id, b.agent_id, b.scope, b.unit, m.minute, w.window_start, w.window_end
    from budgets b
    join (select distinct s.agent_id, s.minute from spend s) m using (agent_id)
    cross join lateral private.window_of(b.period, b.time_zone, m.minute) w
  ),
  charges as (
    select w.id, h.holder, w.window_start, w.window_end, s.estimated, false as is_suspect,
      case w.unit when 'usd' then s.nano * 0.000000001 when 'tokens' then s.tokens else s.calls end as amount
    from windows w
    join spend s using (agent_id, minute)
    cross join lateral (
      select '' as holder where w.scope = 'agent'
      union all
      select coalesce(s.user_name, '') where w.scope = 'user'
      union all
      select distinct t.tag from unnest(s.tags) as t (tag) where w.scope = 'tag'
    ) h
    union all
    -- Charged nothing, but locked in their turn: one of them may have stopped an agent (see fire_exhausted).
    select x.budget_id, x.holder, x.window_start, x.window_end, false, true, 0
    from private.suspect_windows(p_org, p_events) x
  ),
  charged as (
    insert into kavach.budget_windows as w (budget_id, holder, window_start, window_end, spent, estimated)
    select c.id, c.holder, c.window_start, min(c.window_end), sum(c.amount), coalesce(sum(c.amount) filter (where c.estimated), 0)
    from charges c
    group by c.id, c.holder, c.window_start
    having sum(c.amount) > 0 or bool_or(c.is_suspect)
    -- Always in the same order, so that batches at the same time cannot lock each other out.
    order by c.id, c.holder, c.window_start
    on conflict (budget_id, holder, window_start) do update
    set spent = w.spent + excluded.spent, estimated = w.estimated + excluded.estimated, updated_at = now()
    returning w.budget_id, w.holder, w.window_start
  )
  select array_agg(c.budget_id), array_agg(c.holder), array_agg(c.window_start)
  into v_budgets, v_holders, v_starts
  from charged c;
  if v_budgets is not null then
    perform private.fire_thresholds(v_budgets, v_holders, v_starts);
  end if;
end;
$$;

comment on function private.charge_windows(uuid, private.stored_event[], uuid[]) is
  'Adds events to the windows of their agents'' budgets (all, or only some) and fires thresholds.';

-- The present windows of agents' own budgets, in the wire's units. Of users and tags only those that are asked for, or the largest.
create function private.present_spend(p_budget kavach.budgets, p_holders text[])
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_start timestamptz := (private.window_of(p_budget.period, p_budget.time_zone, clock_timestamp())).window_start;
begin
  return jsonb_build_object(
    'windowStart', private.to_millis(v_start),
    'spent', coalesce((
      select jsonb_agg(jsonb_build_object('holder', s.holder, 'spent', private.to_wire(p_budget.unit, s.spent)) order by s.holder)
      from (
        select w.holder, w.spent
        from kavach.budget_windows w
        where w.budget_id = p_budget.id and w.window_start = v_start
          and (p_holders is null or w.holder = any (p_holders))
        order by w.spent desc, w.holder
        limit 1000
      ) s
    ), '[]')
  );
end;
$$;

comment on function private.present_spend(kavach.budgets, text[]) is
  'A budget''s present window: its start, and what was spent by the given holders, or by the 1,000 largest.';

revoke execute on all functions in schema private from public;
