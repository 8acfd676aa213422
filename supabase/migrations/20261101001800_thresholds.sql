-- Thresholds: judged where spent changes, once for each share of the limit, window and holder.
create function private.fire_thresholds(
  p_budgets uuid[], p_holders text[], p_starts timestamptz[], p_exhausted boolean default false
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_kill record;
begin
  -- The caller has locked the windows: what fires here fires once.
  with crossed as (
    select w.budget_id, w.holder, w.window_start, array_agg(distinct t.threshold) as thresholds
    from unnest(p_budgets, p_holders, p_starts) as k (budget_id, holder, window_start)
    join kavach.budget_windows w using (budget_id, holder, window_start)
    join kavach.budgets b on b.id = w.budget_id
    cross join lateral (
      select unnest(array[0.7, 0.9, 1.0]) as threshold
      union all
      select r.threshold from kavach.alert_rules r
      where r.org_id = b.org_id and r.enabled
        and (r.budget_id = b.id or (r.budget_id is null and (r.agent_id is null or r.agent_id = b.agent_id)))
    ) t
    where (w.spent >= t.threshold * b.limit_amount or (p_exhausted and t.threshold <= 1))
      and t.threshold <> all (w.fired)
    group by w.budget_id, w.holder, w.window_start
  ),
  marked as (
    update kavach.budget_windows w
    set fired = w.fired || c.thresholds
    from crossed c
    where w.budget_id = c.budget_id and w.holder = c.holder and w.window_start = c.window_start
    returning w.budget_id, w.holder, w.window_start, w.window_end, w.spent, c.thresholds
  )
  insert into kavach.alert_events
    (org_id, agent_id, budget_id, holder, window_start, threshold, spent, limit_amount, state)
  select b.org_id, b.agent_id, b.id, m.holder, m.window_start, t.threshold, m.spent, b.limit_amount,
    case
      -- Events that come late after an outage do not wake anybody about a window that is long over.
      when m.window_end < now() - interval '15 minutes' then 'skipped'
      when exists (
        select from private.rules_for(b.org_id, b.id, b.agent_id, t.threshold) r where r.channel <> 'kill'
      ) then 'pending'
      else 'skipped'
    end
  from marked m
  join kavach.budgets b on b.id = m.budget_id
  cross join unnest(m.thresholds) as t (threshold)
  order by b.id, m.holder, t.threshold;
  if not found then
    return;
  end if;

  for v_kill in
    select distinct a.agent_id, max(case b.unit when 'usd' then 'cost' else b.unit end) as reason
    from unnest(p_budgets, p_holders, p_starts) as k (budget_id, holder, window_start)
    join kavach.budget_windows w using (budget_id, holder, window_start)
    join kavach.budgets b on b.id = w.budget_id
    cross join unnest(w.fired) as f (threshold)
    cross join lateral private.rules_for(b.org_id, b.id, b.agent_id, f.threshold) r
    cross join lateral (
      select coalesce(r.agent_id, b.agent_id) as agent_id where coalesce(r.agent_id, b.agent_id) is not null
      union
      select l.agent_id from kavach.leases l
      where coalesce(r.agent_id, b.agent_id) is null
        and l.org_id = b.org_id and l.budget_id = b.id and l.window_start = w.window_start
    ) a
    where r.channel = 'kill' and w.window_end > now()
      and exists (
        select from kavach.alert_events e
        where e.org_id = b.org_id and e.budget_id = b.id and e.threshold = f.threshold
          and e.holder = w.holder and e.window_start = w.window_start and e.created_at = now()
      )
    group by a.agent_id
    order by a.agent_id
  loop
    perform private.set_killed(v_kill.agent_id, true, v_kill.reason, 'alert rule');
  end loop;
end;
$$;

create function private.rules_for(p_org uuid, p_budget uuid, p_agent uuid, p_threshold numeric)
returns setof kavach.alert_rules
language plpgsql
stable
rows 2
set search_path = ''
as $$
begin
  return query
  select r.*
  from kavach.alert_rules r
  where r.org_id = p_org and r.enabled and r.threshold = p_threshold
    and (r.budget_id = p_budget or (r.budget_id is null and (r.agent_id is null or r.agent_id = p_agent)));
end;
$$;

comment on function private.fire_thresholds(uuid[], text[], timestamptz[], boolean) is
  'Writes alert_events for the thresholds that locked windows have newly reached, and stops agents where a kill rule says so.';
comment on function private.rules_for(uuid, uuid, uuid, numeric) is 'The enabled rules that ask for a budget''s threshold.';

revoke execute on all functions in schema private from public;
