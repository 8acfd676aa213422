-- Leases: slices of a shared budget. The authority is the budget's window; spent + leased never passes the limit by a grant.

-- Seconds from the settings of the database, so that a test or an operator can change them: alter database … set kavach.lease_seconds = '30'.
create function private.setting_seconds(p_name text, p_default numeric)
returns interval
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(nullif(current_setting(p_name, true), '')::numeric, p_default)::double precision * interval '1 second';
end;
$$;

-- Books what a lease has used, all amounts in the budget's stored unit. What the holder reports may pass the grant: it is the truth.
create function private.settle_lease(p_lease kavach.leases, p_used numeric, p_close boolean)
returns kavach.leases
language plpgsql
set search_path = ''
as $$
declare
  v_used numeric := greatest(p_lease.used, p_used);
  v_held numeric := greatest(p_lease.granted - p_lease.used, 0);
  v_lease kavach.leases;
begin
  if p_lease.state = 'expired' then
    -- The rest was charged as if it had been spent. The holder lives and knows better.
    update kavach.budget_windows w
    set spent = w.spent - v_held + (v_used - p_lease.used),
      estimated = greatest(w.estimated - v_held, 0),
      updated_at = now()
    where w.budget_id = p_lease.budget_id and w.holder = '' and w.window_start = p_lease.window_start;
  else
    update kavach.budget_windows w
    set spent = w.spent + (v_used - p_lease.used),
      leased = w.leased - v_held + case when p_close then 0 else greatest(p_lease.granted - v_used, 0) end,
      updated_at = now()
    where w.budget_id = p_lease.budget_id and w.holder = '' and w.window_start = p_lease.window_start;
  end if;
  update kavach.leases l
  set used = v_used,
    state = case when p_close then 'closed' else l.state end,
    ended_at = case when p_close then now() else l.ended_at end
  where l.org_id = p_lease.org_id and l.id = p_lease.id
  returning l.* into v_lease;
  return v_lease;
end;
$$;

-- Whether another process waits for more of a window than there is.
create function private.others_wait(p_window kavach.budget_windows, p_lease uuid)
returns boolean
language sql
stable
set search_path = ''
as $$
  select coalesce(p_window.wanted_by <> p_lease and p_window.wanted_until > clock_timestamp(), false);
$$;

-- Sizes a lease after it was settled. p_hold, p_want and p_need as in LeaseRequest, in the stored unit.
create function private.acquire_lease(
  p_lease kavach.leases, p_unit text, p_limit numeric, p_hold numeric, p_want numeric, p_need numeric, p_may_grow boolean
)
returns kavach.leases
language plpgsql
set search_path = ''
as $$
declare
  v_window kavach.budget_windows;
  v_held numeric := greatest(p_lease.granted - p_lease.used, 0);
  v_kept numeric := greatest(least(p_hold, p_lease.granted), p_lease.used);
  v_free numeric;
  v_slice numeric;
  v_granted numeric;
  v_waits boolean;
  v_lease kavach.leases;
begin
  select w.* into v_window
  from kavach.budget_windows w
  where w.budget_id = p_lease.budget_id and w.holder = '' and w.window_start = p_lease.window_start;
  v_free := greatest(p_limit - v_window.spent - (v_window.leased - v_held), 0);
  -- A quarter of what is free: slices shrink as the budget empties, and other processes find something left.
  v_slice := p_lease.used + private.from_wire(p_unit, private.to_wire(p_unit, v_free / 4));
  -- While another process waits, nothing is granted ahead of need.
  if private.others_wait(v_window, p_lease.id) then
    v_slice := 0;
  end if;
  v_granted := least(greatest(p_want, p_lease.used), greatest(p_need, v_slice));
  if v_granted < p_need or v_granted - p_lease.used > v_free or not p_may_grow then
    v_granted := v_kept;
  end if;
  v_granted := greatest(v_granted, v_kept);
  v_waits := p_may_grow and v_granted < p_need;
  if v_waits or v_window.wanted_by = p_lease.id then
    v_window.wanted_by := case when v_waits then p_lease.id end;
    v_window.wanted_until := case when v_waits then clock_timestamp() + interval '2 seconds' end;
  end if;

  update kavach.budget_windows w
  set leased = w.leased - v_held + greatest(v_granted - p_lease.used, 0),
    wanted_by = v_window.wanted_by,
    wanted_until = v_window.wanted_until,
    updated_at = now()
  where w.budget_id = p_lease.budget_id and w.holder = '' and w.window_start = p_lease.window_start;
  update kavach.leases l set granted = v_granted
  where l.org_id = p_lease.org_id and l.id = p_lease.id
  returning l.* into v_lease;
  return v_lease;
end;
$$;

create function private.expire_leases()
returns int
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_count int;
  v_budgets uuid[];
  v_holders text[];
  v_starts timestamptz[];
begin
  -- Windows first and in order, as private.leases does. A lease that is renewed meanwhile is looked at again below.
  select array_agg(w.budget_id), array_agg(w.holder), array_agg(w.window_start)
  into v_budgets, v_holders, v_starts
  from (
    select w.budget_id, w.holder, w.window_start
    from kavach.budget_windows w
    where w.holder = '' and (w.budget_id, w.window_start) in (
      select l.budget_id, l.window_start
      from kavach.leases l
      where l.state = 'open' and l.reclaim_at < clock_timestamp()
      order by l.reclaim_at
      limit 1000
    )
    order by w.budget_id, w.window_start
    for no key update of w
  ) w;
  if v_budgets is null then
    return 0;
  end if;
  with ended as (
    update kavach.leases l
    set state = 'expired', ended_at = now()
    from unnest(v_budgets, v_starts) as k (budget_id, window_start)
    where l.budget_id = k.budget_id and l.window_start = k.window_start
      and l.state = 'open' and l.reclaim_at < clock_timestamp()
    returning l.budget_id, l.window_start, greatest(l.granted - l.used, 0) as rest
  ),
  sums as (
    select e.budget_id, e.window_start, sum(e.rest) as rest, count(*) as leases
    from ended e
    group by e.budget_id, e.window_start
  ),
  charged as (
    update kavach.budget_windows w
    set spent = w.spent + s.rest, estimated = w.estimated + s.rest, leased = w.leased - s.rest, updated_at = now()
    from sums s
    where w.budget_id = s.budget_id and w.holder = '' and w.window_start = s.window_start
    returning s.leases
  )
  select coalesce(sum(c.leases), 0) into v_count from charged c;
  perform private.fire_thresholds(v_budgets, v_holders, v_starts);
  return v_count;
end;
$$;

comment on function private.setting_seconds(text, numeric) is 'A duration from the settings of the database, or its default.';
comment on function private.settle_lease(kavach.leases, numeric, boolean) is 'Books what a lease has used, and gives the rest back when it closes. The window must be locked.';
comment on function private.others_wait(kavach.budget_windows, uuid) is 'Whether a process other than the holder of a lease waits for more of the window than there is.';
comment on function private.acquire_lease(kavach.leases, text, numeric, numeric, numeric, numeric, boolean) is
  'Grows or shrinks a settled lease within what is free. The window must be locked.';
comment on function private.expire_leases() is 'Takes back the leases of processes that fell silent; their rest is charged as an estimate. Returns how many.';

revoke execute on all functions in schema private from public;
grant execute on function private.expire_leases() to service_role;
