-- Who calls, and how often: the check of a key, and the rate limits of organisations and people.
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

-- A person may belong to several organisations, so people's requests are counted apart. No foreign key: a token outlives its user.
create table kavach.user_requests (
  user_id uuid not null,
  bucket text not null check (length(bucket) between 1 and 40),
  window_start timestamptz not null,
  slot smallint not null,
  count bigint not null default 0,
  primary key (user_id, bucket, window_start, slot)
) with (fillfactor = 70);

comment on table kavach.user_requests is 'Requests per minute of signed-in people, counted as in kavach.rate_counters.';
comment on column kavach.user_requests.user_id is 'The person (auth.users).';
comment on column kavach.user_requests.bucket is 'What is counted: api, auth.';
comment on column kavach.user_requests.window_start is 'The minute.';
comment on column kavach.user_requests.slot is 'One of 64 counters that add up.';
comment on column kavach.user_requests.count is 'How many.';

alter table kavach.user_requests enable row level security;
revoke all on kavach.user_requests from public, anon, authenticated;
grant select on kavach.user_requests to authenticated;
grant select, insert, update, delete on kavach.user_requests to service_role;

create policy "people can read their own usage"
on kavach.user_requests for select
to authenticated
using (user_id = (select auth.uid()));

create function private.refuse_burst(p_limit int, p_plan text, p_minute timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.refuse(
    429, 'burst',
    format('More than %s requests in a minute, the limit of the %s plan. Try again later.', p_limit, p_plan),
    jsonb_build_object(
      'reason', 'burst', 'limit', p_limit,
      'retryAfterSeconds', greatest(1, ceil(extract(epoch from p_minute + interval '1 minute' - clock_timestamp())))::int
    )
  );
end;
$$;

-- A request is counted in a transaction of its own, before the work and whatever becomes of it: see _shared/database.ts. That a
-- crash of the database may forget the last of them does no harm, and waiting for the disk would.
create function private.admit_key(p_hash bytea, p_bucket text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_key record;
  v_minute timestamptz := date_trunc('minute', clock_timestamp());
begin
  perform set_config('synchronous_commit', 'off', true);
  select k.id, k.org_id, k.last_used_at, p.burst_per_minute, p.id as plan
  into v_key
  from kavach.api_keys k
  join kavach.organizations o on o.id = k.org_id
  join kavach.plans p on p.id = o.plan_id
  where k.hash = p_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > clock_timestamp());
  -- A key that is none is for authenticate_key to refuse.
  if v_key.id is null then
    return;
  end if;
  if v_key.burst_per_minute is not null then
    if private.used(v_key.org_id, p_bucket, v_minute) >= v_key.burst_per_minute then
      perform private.refuse_burst(v_key.burst_per_minute, v_key.plan, v_minute);
    end if;
    perform private.count_use(v_key.org_id, p_bucket, v_minute, 1);
  end if;
  -- At most once a minute, and never waiting for a request that does the same.
  if v_key.last_used_at is null or v_key.last_used_at < now() - interval '1 minute' then
    update kavach.api_keys k set last_used_at = now()
    where k.id = (select s.id from kavach.api_keys s where s.id = v_key.id for no key update skip locked);
  end if;
end;
$$;

create function private.admit_user(p_user uuid, p_bucket text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_plan record;
  v_minute timestamptz := date_trunc('minute', clock_timestamp());
begin
  perform set_config('synchronous_commit', 'off', true);
  -- The most generous plan of the person's organisations; who has none yet is on the free one.
  select p.id, p.burst_per_minute
  into v_plan
  from kavach.plans p
  left join (
    kavach.members m join kavach.organizations o on o.id = m.org_id
  ) on o.plan_id = p.id and m.user_id = p_user
  where m.user_id is not null or p.id = 'free'
  order by m.user_id is null, p.burst_per_minute desc nulls first
  limit 1;
  if v_plan.burst_per_minute is null then
    return;
  end if;
  if (
    select coalesce(sum(r.count), 0) from kavach.user_requests r
    where r.user_id = p_user and r.bucket = p_bucket and r.window_start = v_minute
  ) >= v_plan.burst_per_minute then
    perform private.refuse_burst(v_plan.burst_per_minute, v_plan.id, v_minute);
  end if;
  insert into kavach.user_requests as r (user_id, bucket, window_start, slot, count)
  values (p_user, p_bucket, v_minute, pg_backend_pid() % 64, 1)
  on conflict (user_id, bucket, window_start, slot) do update set count = r.count + 1;
end;
$$;

-- Sets the caller's claims for the rest of the transaction, so that row level security sees the key.
create function private.authenticate_key(p_hash bytea)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_key record;
  v_claims jsonb;
begin
  select k.id, k.org_id, k.scopes, k.expires_at, k.revoked_at into v_key
  from kavach.api_keys k
  where k.hash = p_hash;
  if v_key.id is null then
    perform private.refuse(401, 'key_invalid', 'This API key is not known. Check AGENTKAVACH_API_KEY, or make a key with npx agentkavach keys create.');
  elsif v_key.revoked_at is not null then
    perform private.refuse(401, 'key_revoked', 'This API key was revoked. Make a new one with npx agentkavach keys create.');
  elsif v_key.expires_at <= clock_timestamp() then
    perform private.refuse(401, 'key_expired', 'This API key was rotated and its grace period is over. Use its successor.');
  end if;

  v_claims := jsonb_build_object(
    'role', 'authenticated', 'kavach_org', v_key.org_id, 'kavach_key', v_key.id, 'kavach_scopes', to_jsonb(v_key.scopes)
  );
  perform set_config('request.jwt.claims', v_claims::text, true);
  return v_claims;
end;
$$;

comment on function private.refuse_burst(int, text, timestamptz) is 'Refuses with 429 burst until the minute is over.';
comment on function private.admit_key(bytea, text) is
  'Counts a request with a key, and refuses it once the plan''s requests of this minute are used up. To be committed before the work.';
comment on function private.admit_user(uuid, text) is
  'Counts a signed-in person''s request, and refuses it once the plan''s requests of this minute are used up. To be committed before the work.';
comment on function private.authenticate_key(bytea) is
  'Checks a key by the SHA-256 of its text. Sets request.jwt.claims for this transaction and returns them.';

revoke execute on all functions in schema private from public;
-- Called by the login role before it becomes the caller: who could call it as a caller could become another one.
grant execute on function private.authenticate_key(bytea), private.admit_key(bytea, text), private.admit_user(uuid, text) to service_role;
grant execute on function private.events_today(uuid) to authenticated, service_role;
grant execute on function private.count_use(uuid, text, timestamptz, bigint), private.used(uuid, text, timestamptz) to service_role;
