-- Who presents an API key, and how often: the check of a key and the rate limits of its organisation.
create table kavach.rate_counters (
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  bucket text not null check (length(bucket) between 1 and 40),
  window_start timestamptz not null,
  slot smallint not null,
  count bigint not null default 0,
  primary key (org_id, bucket, window_start, slot)
) with (fillfactor = 70);

comment on table kavach.rate_counters is 'Requests per minute and events per day, counted against the plan.';
comment on column kavach.rate_counters.org_id is 'The organisation.';
comment on column kavach.rate_counters.bucket is 'What is counted: api, ingest, … (per minute) or events (per UTC day).';
comment on column kavach.rate_counters.window_start is 'The minute or day.';
comment on column kavach.rate_counters.slot is 'One of 64 counters that add up: requests at the same time do not wait for each other.';
comment on column kavach.rate_counters.count is 'How many.';

alter table kavach.rate_counters enable row level security;
revoke all on kavach.rate_counters from public, anon, authenticated;
grant select on kavach.rate_counters to authenticated;
grant select, insert, update, delete on kavach.rate_counters to service_role;

create policy "callers can read their organisation's usage"
on kavach.rate_counters for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));

-- Each backend process counts in a slot of its own, because the row stays locked until its transaction ends.
create function private.count_use(p_org uuid, p_bucket text, p_window timestamptz, p_count bigint)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into kavach.rate_counters as c (org_id, bucket, window_start, slot, count)
  values (p_org, p_bucket, p_window, pg_backend_pid() % 64, p_count)
  on conflict (org_id, bucket, window_start, slot) do update set count = c.count + excluded.count;
end;
$$;

create function private.used(p_org uuid, p_bucket text, p_window timestamptz)
returns bigint
language plpgsql
set search_path = ''
as $$
begin
  return (
    select coalesce(sum(c.count), 0)::bigint
    from kavach.rate_counters c
    where c.org_id = p_org and c.bucket = p_bucket and c.window_start = p_window
  );
end;
$$;

-- With the caller's rights: row level security shows its own organisation only.
create function private.events_today(p_org uuid)
returns bigint
language sql
stable
set search_path = ''
as $$
  select coalesce(sum(c.count), 0)::bigint
  from kavach.rate_counters c
  where c.org_id = p_org and c.bucket = 'events' and c.window_start = date_trunc('day', now(), 'UTC');
$$;

comment on function private.events_today(uuid) is 'Events of this UTC day that count against the plan.';
comment on function private.count_use(uuid, text, timestamptz, bigint) is 'Adds to a rate counter.';
comment on function private.used(uuid, text, timestamptz) is 'What a rate counter has reached, as far as it is committed.';

-- Sets the caller's claims for the rest of the transaction, so that row level security sees the key.
create function private.authenticate_key(p_hash bytea, p_bucket text default 'api')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_key record;
  v_claims jsonb;
  v_minute timestamptz := date_trunc('minute', clock_timestamp());
  v_used bigint;
begin
  select k.id, k.org_id, k.scopes, k.environment, k.expires_at, k.revoked_at, k.last_used_at, p.burst_per_minute, p.id as plan
  into v_key
  from kavach.api_keys k
  join kavach.organizations o on o.id = k.org_id
  join kavach.plans p on p.id = o.plan_id
  where k.hash = p_hash;
  if v_key.id is null then
    perform private.refuse(401, 'key_invalid', 'This API key is not known. Check AGENTKAVACH_API_KEY, or create a key in the dashboard.');
  elsif v_key.revoked_at is not null then
    perform private.refuse(401, 'key_revoked', 'This API key was revoked. Create a new one in the dashboard.');
  elsif v_key.expires_at <= clock_timestamp() then
    perform private.refuse(401, 'key_expired', 'This API key was rotated and its grace period is over. Use its successor.');
  end if;

  if v_key.burst_per_minute is not null then
    perform private.count_use(v_key.org_id, p_bucket, v_minute, 1);
    v_used := private.used(v_key.org_id, p_bucket, v_minute);
    if v_used > v_key.burst_per_minute then
      perform private.refuse(
        429, 'burst',
        format('More than %s requests in a minute, the limit of the %s plan. Try again later.', v_key.burst_per_minute, v_key.plan),
        jsonb_build_object(
          'reason', 'burst', 'limit', v_key.burst_per_minute,
          'retryAfterSeconds', ceil(extract(epoch from v_minute + interval '1 minute' - clock_timestamp()))::int
        )
      );
    end if;
  end if;

  -- At most once a minute, and never waiting for a request that does the same.
  if v_key.last_used_at is null or v_key.last_used_at < now() - interval '1 minute' then
    update kavach.api_keys k set last_used_at = now()
    where k.id = (select s.id from kavach.api_keys s where s.id = v_key.id for no key update skip locked);
  end if;

  v_claims := jsonb_build_object(
    'role', 'authenticated', 'kavach_org', v_key.org_id, 'kavach_key', v_key.id, 'kavach_scopes', to_jsonb(v_key.scopes)
  );
  perform set_config('request.jwt.claims', v_claims::text, true);
  return v_claims;
end;
$$;

comment on function private.authenticate_key(bytea, text) is
  'Checks a key by the SHA-256 of its text and counts the request. Sets request.jwt.claims for this transaction and returns them.';

revoke execute on all functions in schema private from public;
-- Called by the login role before it becomes the caller: who could call it as a caller could become another one.
grant execute on function private.authenticate_key(bytea, text) to service_role;
grant execute on function private.events_today(uuid) to authenticated, service_role;
grant execute on function private.count_use(uuid, text, timestamptz, bigint), private.used(uuid, text, timestamptz) to service_role;
