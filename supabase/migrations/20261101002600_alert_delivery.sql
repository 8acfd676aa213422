-- The outbox: the dispatcher claims alerts, delivers them, and says how it went.
create function private.claim_alerts(p_limit int default 20)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_ids bigint[];
begin
  -- A dispatcher that dies has not lost the alert: it comes up again after the pause, which doubles from 30 seconds.
  with claimed as (
    update kavach.alert_events e
    set attempts = e.attempts + 1,
      next_attempt_at = now() + interval '30 seconds' * power(2, least(e.attempts, 10))
    where e.id in (
      select s.id from kavach.alert_events s
      where s.state = 'pending' and s.next_attempt_at <= now()
      order by s.next_attempt_at, s.id
      limit p_limit
      for no key update skip locked
    )
    returning e.id
  )
  select array_agg(c.id) into v_ids from claimed c;
  return coalesce((
    select jsonb_agg(jsonb_build_object(
      'id', e.id, 'orgId', e.org_id, 'organisation', o.name, 'agent', a.name, 'budgetId', b.id, 'scope', b.scope, 'name', b.name,
      'unit', b.unit, 'period', b.period, 'timeZone', b.time_zone, 'holder', e.holder,
      'windowStart', private.to_millis(e.window_start), 'windowEnd', private.to_millis(w.window_end),
      'threshold', e.threshold::double precision, 'spent', private.to_wire(b.unit, e.spent),
      'limit', private.to_wire(b.unit, e.limit_amount), 'attempts', e.attempts, 'at', private.to_millis(e.created_at),
      'rules', coalesce((
        select jsonb_agg(jsonb_build_object(
          'id', r.id, 'channel', r.channel, 'target', r.target, 'template', r.template
        ) order by r.created_at, r.id)
        from private.rules_for(e.org_id, e.budget_id, e.agent_id, e.threshold) r
        where r.channel <> 'kill'
          and e.deliveries -> r.id::text ->> 'deliveredAt' is null
          -- The cooldown: another window or holder of this budget has told it a moment ago.
          and not exists (
            select from kavach.alert_events p
            where p.org_id = e.org_id and p.budget_id = e.budget_id and p.threshold = e.threshold and p.id <> e.id
              and (p.deliveries -> r.id::text ->> 'deliveredAt')::timestamptz > now() - r.cooldown_seconds * interval '1 second'
              and p.created_at > now() - (r.cooldown_seconds + 86400) * interval '1 second'
          )
      ), '[]')
    ) order by e.id)
    from kavach.alert_events e
    join kavach.organizations o on o.id = e.org_id
    join kavach.budgets b on b.id = e.budget_id
    left join kavach.agents a on a.id = e.agent_id
    left join kavach.budget_windows w
      on w.budget_id = e.budget_id and w.holder = e.holder and w.window_start = e.window_start
    where e.id = any (v_ids)
  ), '[]');
end;
$$;

create function private.settle_alert(p_alert bigint, p_delivered uuid[], p_failed jsonb default '{}')
returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_state text;
begin
  update kavach.alert_events e
  set deliveries = e.deliveries
      || coalesce((select jsonb_object_agg(f.key, jsonb_build_object('error', left(f.value, 500), 'at', now()))
        from jsonb_each_text(p_failed) f), '{}')
      || coalesce((select jsonb_object_agg(d.id::text, jsonb_build_object('deliveredAt', now()))
        from unnest(p_delivered) as d (id)), '{}'),
    state = case
      when p_failed = '{}' and cardinality(p_delivered) = 0 and e.deliveries = '{}' then 'skipped'
      when p_failed = '{}' then 'sent'
      when e.attempts >= 8 then 'failed'
      else 'pending'
    end
  where e.id = p_alert
  returning e.state into v_state;
  return v_state;
end;
$$;

comment on function private.claim_alerts(int) is
  'Alerts that are due, each with the rules that still want it (targets included). Each claim is an attempt; for the dispatcher only.';
comment on function private.settle_alert(bigint, uuid[], jsonb) is
  'How a claimed alert went: the rules that were delivered, and {rule: error} for those that were not. Eight attempts, then failed. Returns the state.';

revoke execute on all functions in schema private from public;
grant execute on function private.claim_alerts(int), private.settle_alert(bigint, uuid[], jsonb) to service_role;
