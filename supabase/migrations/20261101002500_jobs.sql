-- Housekeeping: what pg_cron or the embedded scheduler calls.

-- Deletes in slices, so that no job holds many locks for long; what is left over goes the next time.
create function private.prune(p_table regclass, p_condition text)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_count bigint;
begin
  execute format('delete from %1$s where ctid = any (array(select ctid from %1$s where %2$s limit 20000))', p_table, p_condition);
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;

create function private.drop_old_partitions()
returns int
language plpgsql
set search_path = ''
as $$
declare
  v_name name;
  v_dropped int := 0;
begin
  -- Rather later than in the way of the agents that report.
  perform set_config('lock_timeout', '2s', true);
  for v_name in
    select c.relname
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'kavach.events'::regclass
      and c.relname ~ '^events_\d{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') < (now() at time zone 'UTC')::date - 30
  loop
    begin
      execute format('drop table private.%I', v_name);
      v_dropped := v_dropped + 1;
    exception
      when lock_not_available then null;
    end;
  end loop;
  return v_dropped;
end;
$$;

create function private.retention()
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'partitions', private.drop_old_partitions(),
    'runs', private.prune('kavach.runs', $c$last_event_at < now() - interval '31 days'$c$),
    'dead_letters', private.prune('kavach.dead_letters', $c$received_at < now() - interval '30 days'$c$),
    'alert_events', private.prune('kavach.alert_events', $c$created_at < now() - interval '30 days'$c$),
    'hourly_spend', private.prune('kavach.hourly_spend', $c$bucket < now() - interval '90 days'$c$),
    'budget_windows', private.prune('kavach.budget_windows', $c$window_end < now() - interval '90 days' and leased = 0$c$),
    'leases', private.prune('kavach.leases', $c$state <> 'open' and ended_at < now() - interval '7 days'$c$),
    'rate_counters', private.prune('kavach.rate_counters',
      $c$window_start < now() - case bucket when 'events' then interval '32 days' else interval '1 hour' end$c$),
    'user_requests', private.prune('kavach.user_requests', $c$window_start < now() - interval '1 hour'$c$),
    'billing_events', private.prune('kavach.billing_events', $c$received_at < now() - interval '90 days'$c$)
  );
end;
$$;

create function private.run_jobs()
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'expired_leases', private.expire_leases(),
    'new_partitions', private.ensure_partitions(),
    'pruned', private.retention()
  );
end;
$$;

comment on function private.prune(regclass, text) is 'Deletes at most 20,000 rows that meet a condition. Returns how many.';
comment on function private.drop_old_partitions() is 'Drops the days of events that are older than 30 days. Returns how many.';
comment on function private.retention() is 'Drops and deletes what is kept no longer. Returns how much of what.';
comment on function private.run_jobs() is 'All housekeeping at once: expired leases, partitions, retention. Meant for once a minute or less often.';

revoke execute on all functions in schema private from public;
grant execute on function private.retention(), private.run_jobs() to service_role;
