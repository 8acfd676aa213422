-- The same jobs by pg_cron, where the platform has it. Elsewhere a scheduler calls private.run_jobs().

-- Wakes the dispatcher of alerts over HTTP, where pg_net is there and the project has told where its functions are:
--   select vault.create_secret('https://<ref>.supabase.co/functions/v1', 'kavach_functions_url');
--   select vault.create_secret('<an API key of scope admin, or the service key>', 'kavach_dispatch_key');
create table private.dispatcher_wakes (
  only_one boolean primary key default true check (only_one),
  request_id bigint not null,
  asked_at timestamptz not null
);

comment on table private.dispatcher_wakes is 'The last time that the dispatcher was woken: one row.';
comment on column private.dispatcher_wakes.only_one is 'Always true: there is one row.';
comment on column private.dispatcher_wakes.request_id is 'The request''s id in pg_net, whose net._http_response has the answer.';
comment on column private.dispatcher_wakes.asked_at is 'When it was asked.';

alter table private.dispatcher_wakes enable row level security;
revoke all on private.dispatcher_wakes from public, anon, authenticated;
grant select on private.dispatcher_wakes to service_role;

create policy "the service role can see when the dispatcher was woken"
on private.dispatcher_wakes for select
to service_role
using (true);

create function private.wake_dispatcher()
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_url text;
  v_key text;
  v_is_absent boolean;
  v_request bigint;
begin
  if not exists (select from kavach.alert_events e where e.state = 'pending' and e.next_attempt_at <= now()) then
    return false;
  end if;
  if to_regnamespace('net') is null or to_regclass('vault.decrypted_secrets') is null then
    return false;
  end if;
  execute $q$select max(decrypted_secret) filter (where name = 'kavach_functions_url'),
    max(decrypted_secret) filter (where name = 'kavach_dispatch_key') from vault.decrypted_secrets$q$
  into v_url, v_key;
  if v_url is null or v_key is null then
    return false;
  end if;
  -- Functions of a version that delivers no alerts answer 404. They are asked again once an hour, until newer ones are deployed.
  execute $q$select exists (
    select from private.dispatcher_wakes w join net._http_response r on r.id = w.request_id
    where r.status_code = 404 and w.asked_at > now() - interval '1 hour'
  )$q$ into v_is_absent;
  if v_is_absent then
    return false;
  end if;
  execute 'select net.http_post(url := $1, body := $2, headers := $3)'
  into v_request
  using v_url || '/alerts/dispatch', '{}'::jsonb,
    jsonb_build_object('Content-Type', 'application/json', 'Authorization', 'Bearer ' || v_key);
  insert into private.dispatcher_wakes (request_id, asked_at) values (v_request, now())
  on conflict (only_one) do update set request_id = excluded.request_id, asked_at = excluded.asked_at;
  return true;
end;
$$;

comment on function private.wake_dispatcher() is 'Asks the function alerts/dispatch to deliver what is due. Returns whether it asked.';
revoke execute on function private.wake_dispatcher() from public;
grant execute on function private.wake_dispatcher() to service_role;

do $$
begin
  if exists (select from pg_catalog.pg_available_extensions where name = 'pg_net') then
    create extension if not exists pg_net with schema extensions;
  end if;
  if exists (select from pg_catalog.pg_available_extensions where name = 'pg_cron') then
    create extension if not exists pg_cron with schema pg_catalog;
    execute $q$select cron.schedule('kavach-leases', '10 seconds', 'select private.expire_leases()')$q$;
    execute $q$select cron.schedule('kavach-alerts', '30 seconds', 'select private.wake_dispatcher()')$q$;
    execute $q$select cron.schedule('kavach-partitions', '5 * * * *', 'select private.ensure_partitions()')$q$;
    execute $q$select cron.schedule('kavach-retention', '35 * * * *', 'select private.retention()')$q$;
  end if;
exception
  -- Both are conveniences: a project that may not have them still gets everything else.
  when insufficient_privilege or undefined_file or feature_not_supported or object_not_in_prerequisite_state then
    raise notice 'pg_cron or pg_net is not set up: %', sqlerrm;
end;
$$;
