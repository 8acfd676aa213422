-- private.leases: one request of a process for all its leases.
create function private.lease_answer(p_lease kavach.leases, p_unit text, p_limit numeric)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_window kavach.budget_windows;
begin
  select w.* into v_window
  from kavach.budget_windows w
  where w.budget_id = p_lease.budget_id and w.holder = '' and w.window_start = p_lease.window_start;
  return jsonb_build_object(
    'leaseId', p_lease.id,
    'state', case p_lease.state when 'expired' then 'lost' else p_lease.state end,
    'seq', p_lease.seq,
    'granted', private.to_wire(p_unit, p_lease.granted),
    'expiresInMs', case when p_lease.state = 'open'
      then greatest(0, floor(extract(epoch from p_lease.expires_at - clock_timestamp()) * 1000)) else 0 end,
    'limit', private.to_wire(p_unit, p_limit),
    'spent', private.to_wire(p_unit, v_window.spent),
    'heldByOthers', private.to_wire(
      p_unit, v_window.leased - case when p_lease.state = 'open' then greatest(p_lease.granted - p_lease.used, 0) else 0 end
    ),
    'othersWait', private.others_wait(v_window, p_lease.id)
  );
end;
$$;

create function private.lost_lease(p_request jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select jsonb_build_object(
    'leaseId', p_request -> 'leaseId', 'state', 'lost', 'seq', p_request -> 'seq', 'granted', 0, 'expiresInMs', 0,
    'limit', 0, 'spent', 0, 'heldByOthers', 0, 'othersWait', false
  );
$$;

-- The window that a new lease is for, while it is the present one. At its border both are, for a minute: clocks differ.
create function private.present_window(p_budget kavach.budgets, p_start timestamptz, p_now timestamptz)
returns kavach.budget_windows
language plpgsql
stable
set search_path = ''
as $$
declare
  v_shift interval;
  v_found record;
  v_window kavach.budget_windows;
begin
  foreach v_shift in array array[interval '0', interval '-60 seconds', interval '60 seconds'] loop
    v_found := private.window_of(p_budget.period, p_budget.time_zone, p_now + v_shift);
    if v_found.window_start = p_start then
      v_window.budget_id := p_budget.id;
      v_window.window_start := v_found.window_start;
      v_window.window_end := v_found.window_end;
      exit;
    end if;
  end loop;
  return v_window;
end;
$$;

-- Makes and locks every window that the request touches, in one order for all requests.
create function private.lock_windows(p_org uuid, p_requests jsonb)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into kavach.budget_windows (budget_id, holder, window_start, window_end)
  select distinct w.budget_id, '', w.window_start, w.window_end
  from jsonb_array_elements(p_requests) r
  join kavach.budgets b on b.org_id = p_org and b.id = (r.value ->> 'budgetId')::uuid and b.scope in ('shared', 'org')
  cross join lateral private.present_window(
    b, coalesce(private.from_millis((r.value ->> 'windowStart')::numeric), '-infinity'), clock_timestamp()
  ) w
  where w.budget_id is not null
    and not exists (
      select from kavach.budget_windows k
      where k.budget_id = w.budget_id and k.holder = '' and k.window_start = w.window_start
    )
  order by 1, 3
  on conflict do nothing;
  perform 1
  from kavach.budget_windows w
  where w.holder = '' and (w.budget_id, w.window_start) in (
    select l.budget_id, l.window_start
    from jsonb_array_elements(p_requests) r
    join kavach.leases l on l.org_id = p_org and l.id = (r.value ->> 'leaseId')::uuid
    union
    select b.id, coalesce(private.from_millis((r.value ->> 'windowStart')::numeric), '-infinity')
    from jsonb_array_elements(p_requests) r
    join kavach.budgets b on b.org_id = p_org and b.id = (r.value ->> 'budgetId')::uuid and b.scope in ('shared', 'org')
  )
  order by w.budget_id, w.window_start
  for no key update of w;
end;
$$;

create function private.lease(p_org uuid, p_agent kavach.agents, p_instance uuid, p_request jsonb)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_lease kavach.leases;
  v_budget kavach.budgets;
  v_window kavach.budget_windows;
  v_now timestamptz := clock_timestamp();
  v_closes boolean := (p_request ->> 'close')::boolean;
  v_seq bigint := (p_request ->> 'seq')::bigint;
  v_start timestamptz := coalesce(private.from_millis((p_request ->> 'windowStart')::numeric), '-infinity');
begin
  select b.* into v_budget
  from kavach.budgets b
  where b.org_id = p_org and b.id = (p_request ->> 'budgetId')::uuid and b.scope in ('shared', 'org');
  select l.* into v_lease
  from kavach.leases l
  where l.org_id = p_org and l.id = (p_request ->> 'leaseId')::uuid
  for no key update;
  if v_budget.id is null or v_lease.budget_id <> v_budget.id then
    return private.lost_lease(p_request);
  end if;

  if v_lease.id is null then
    -- Also one that is closed at once: what it has used counts, and the request that opens it changes nothing when it comes later.
    v_window := private.present_window(v_budget, v_start, v_now);
    if v_window.budget_id is null then
      return private.lost_lease(p_request);
    end if;
    insert into kavach.leases (id, org_id, budget_id, window_start, instance, agent_id, expires_at, reclaim_at)
    values (
      (p_request ->> 'leaseId')::uuid, p_org, v_budget.id, v_start, p_instance, p_agent.id, v_now, v_now
    )
    returning * into v_lease;
  elsif v_seq <= v_lease.seq or v_lease.state = 'closed' or (v_lease.state = 'expired' and not v_closes) then
    return private.lease_answer(v_lease, v_budget.unit, v_budget.limit_amount);
  end if;

  v_lease := private.settle_lease(
    v_lease, private.from_wire(v_budget.unit, (p_request ->> 'used')::numeric), v_closes
  );
  if not v_closes then
    select w.* into v_window
    from kavach.budget_windows w
    where w.budget_id = v_budget.id and w.holder = '' and w.window_start = v_lease.window_start;
    v_lease := private.acquire_lease(
      v_lease, v_budget.unit, v_budget.limit_amount,
      private.from_wire(v_budget.unit, (p_request ->> 'hold')::numeric),
      private.from_wire(v_budget.unit, (p_request ->> 'want')::numeric),
      private.from_wire(v_budget.unit, (p_request ->> 'need')::numeric),
      -- A stopped agent and a window that is over keep what is in flight and get nothing more.
      not p_agent.killed and v_window.window_end > v_now - interval '60 seconds'
    );
  end if;
  update kavach.leases l
  set seq = v_seq,
    expires_at = v_now + private.setting_seconds('kavach.lease_seconds', 60),
    reclaim_at = v_now + private.setting_seconds('kavach.lease_seconds', 60)
      + least((p_request ->> 'maxCallMs')::double precision, 86400000) * interval '1 millisecond'
      + private.setting_seconds('kavach.lease_margin_seconds', 10)
  where l.org_id = p_org and l.id = v_lease.id
  returning l.* into v_lease;
  return private.lease_answer(v_lease, v_budget.unit, v_budget.limit_amount);
end;
$$;

create function private.leases(p jsonb)
returns jsonb
language plpgsql
security definer
set search_path = ''
-- A window is locked while this runs, and planning its statements anew would take longer than running them.
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_org uuid := private.caller_org('sdk');
  v_requests jsonb := p -> 'leases';
  v_agent kavach.agents;
  v_request record;
  v_answers jsonb[] := '{}';
  v_answer jsonb;
  v_is_judged boolean := false;
begin
  if jsonb_array_length(v_requests) > 50 then
    perform private.refuse(422, 'too_many_leases', 'One request has at most 50 leases.');
  end if;
  perform private.ensure_agents(v_org, array[p ->> 'agent']);
  -- An acknowledged grant must survive a crash of the database.
  perform set_config('synchronous_commit', 'on', true);
  perform private.lock_windows(v_org, v_requests);
  select a.* into v_agent from kavach.agents a where a.org_id = v_org and a.name = p ->> 'agent';
  if v_agent.id is null then
    perform private.refuse_agent(v_org, p ->> 'agent');
  end if;

  for v_request in
    select r.value, r.position
    from jsonb_array_elements(v_requests) with ordinality as r (value, position)
    order by r.value ->> 'budgetId', r.value ->> 'leaseId', (r.value ->> 'seq')::bigint
  loop
    v_answer := private.lease(v_org, v_agent, (p ->> 'instance')::uuid, v_request.value);
    v_answers[v_request.position] := v_answer;
    v_is_judged := v_is_judged or (v_request.value ->> 'used')::numeric > 0
      or (v_answer ->> 'granted')::numeric < (v_request.value ->> 'need')::numeric;
  end loop;
  if v_is_judged then
    perform private.fire_lease_thresholds(v_org, v_requests, not v_agent.killed);
  end if;
  return jsonb_build_object(
    'leases', to_jsonb(v_answers),
    'state', (select private.agent_state(a) from kavach.agents a where a.id = v_agent.id),
    'serverTime', private.to_millis(clock_timestamp())
  );
end;
$$;

-- A pool is exhausted where what a process needs is not there, and would not be if all that is held came back: under a hard limit the
-- spend itself never reaches 100 % exactly. While other processes hold some of it, nobody is the last.
create function private.fire_lease_thresholds(p_org uuid, p_requests jsonb, p_may_grow boolean)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.fire_thresholds(
    array_agg(w.budget_id order by w.budget_id), array_agg(''::text order by w.budget_id),
    array_agg(w.window_start order by w.budget_id), w.is_exhausted
  )
  from (
    select l.budget_id, l.window_start,
      bool_or(
        p_may_grow and l.state = 'open' and l.granted < private.from_wire(b.unit, (r.value ->> 'need')::numeric)
        -- Calls of its own that are in flight (what it holds) may use less than they could.
        and private.from_wire(b.unit, (r.value ->> 'need')::numeric)
          - greatest(least(private.from_wire(b.unit, (r.value ->> 'hold')::numeric), l.granted), l.used) > b.limit_amount - w.spent
        and w.leased <= greatest(l.granted - l.used, 0) and w.window_end > clock_timestamp()
      ) as is_exhausted
    from jsonb_array_elements(p_requests) r
    join kavach.leases l on l.org_id = p_org and l.id = (r.value ->> 'leaseId')::uuid
    join kavach.budgets b on b.id = l.budget_id
    join kavach.budget_windows w on w.budget_id = l.budget_id and w.holder = '' and w.window_start = l.window_start
    group by l.budget_id, l.window_start
  ) w
  group by w.is_exhausted;
end;
$$;

comment on function private.lease_answer(kavach.leases, text, numeric) is 'A lease as LeaseAnswer of the wire.';
comment on function private.lost_lease(jsonb) is 'LeaseAnswer for a lease that the authority does not know.';
comment on function private.present_window(kavach.budgets, timestamptz, timestamptz) is 'The window that starts at a time, if it is the present one or ended or begins within a minute.';
comment on function private.lock_windows(uuid, jsonb) is 'Makes and locks the windows of all leases of a request.';
comment on function private.lease(uuid, kavach.agents, uuid, jsonb) is 'One LeaseRequest → LeaseAnswer. Its window must be locked.';
comment on function private.leases(jsonb) is 'LeasesRequest → LeasesAnswer of the wire. Scope sdk.';
comment on function private.fire_lease_thresholds(uuid, jsonb, boolean) is 'Judges the thresholds of the windows that a request has touched.';

revoke execute on all functions in schema private from public;
grant execute on function private.leases(jsonb) to authenticated, service_role;
