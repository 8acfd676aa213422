-- API keys. Only a hash is stored, and not even that can be selected through the API.
create table kavach.api_keys (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  name text not null check (length(name) between 1 and 200),
  environment text not null check (environment in ('prod', 'dev')),
  prefix text not null check (length(prefix) between 8 and 16),
  hash bytea not null unique check (octet_length(hash) = 32),
  scopes text[] not null default '{sdk}'
    check (cardinality(scopes) > 0 and scopes <@ array['sdk', 'read', 'control', 'admin']),
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  replaced_by uuid references kavach.api_keys (id) on delete set null
);

create index api_keys_org_id_idx on kavach.api_keys (org_id);
create index api_keys_created_by_idx on kavach.api_keys (created_by);
create index api_keys_replaced_by_idx on kavach.api_keys (replaced_by);

comment on table kavach.api_keys is 'Keys of agents and operators. The key itself is shown once and stored nowhere.';
comment on column kavach.api_keys.id is 'Identifier.';
comment on column kavach.api_keys.org_id is 'The organisation it speaks for.';
comment on column kavach.api_keys.name is 'What people call it.';
comment on column kavach.api_keys.environment is 'prod or dev; also in the key''s prefix.';
comment on column kavach.api_keys.prefix is 'The key''s first characters, to recognise it.';
comment on column kavach.api_keys.hash is 'SHA-256 of the key. Not selectable by API callers.';
comment on column kavach.api_keys.scopes is 'sdk: report and lease. read: look. control: kill and resume. admin: keys, limits, alerts.';
comment on column kavach.api_keys.created_by is 'Who made it; null when a key or an operator of the database did.';
comment on column kavach.api_keys.created_at is 'When it was made.';
comment on column kavach.api_keys.last_used_at is 'When it was last used, to the minute.';
comment on column kavach.api_keys.expires_at is 'After this it is refused. Set when it is rotated.';
comment on column kavach.api_keys.revoked_at is 'When it was revoked; it is refused since.';
comment on column kavach.api_keys.replaced_by is 'The key that took its place.';

alter table kavach.api_keys enable row level security;
revoke all on kavach.api_keys from public, anon, authenticated;
grant select (
  id, org_id, name, environment, prefix, scopes, created_by, created_at, last_used_at, expires_at, revoked_at, replaced_by
) on kavach.api_keys to authenticated;
grant select, insert, update, delete on kavach.api_keys to service_role;

create policy "callers can read their organisation's keys"
on kavach.api_keys for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));

create function private.create_key(
  p_org uuid, p_name text, p_environment text, p_scopes text[], p_prefix text, p_hash bytea
)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_key uuid;
begin
  perform private.require_scope(p_org, 'admin');
  -- Whoever manages keys may hand out those of apps.
  if auth.jwt() ->> 'kavach_key' is not null
    and not (auth.jwt() -> 'kavach_scopes' @> to_jsonb(array_remove(coalesce(p_scopes, '{sdk}'), 'sdk'))) then
    perform private.refuse(403, 'scope_missing', 'A key can make only keys with scopes that it has itself, and keys for apps (sdk).');
  end if;
  if not exists (select from kavach.organizations o where o.id = p_org for no key update) then
    perform private.refuse(404, 'organization_not_found', 'There is no such organisation.');
  end if;
  if (select count(*) from kavach.api_keys k where k.org_id = p_org and k.revoked_at is null) >= 200 then
    perform private.refuse(409, 'key_limit', 'An organisation can have 200 keys that are not revoked. Revoke one first.');
  end if;
  begin
    insert into kavach.api_keys (org_id, name, environment, scopes, prefix, hash, created_by)
    values (p_org, btrim(p_name), p_environment, coalesce(p_scopes, '{sdk}'), p_prefix, p_hash, auth.uid())
    returning id into v_key;
  exception
    when check_violation or not_null_violation then
      perform private.refuse(
        422, 'invalid_key',
        'A key needs a name of 1 to 200 characters, an environment (prod or dev) and scopes among sdk, read, control, admin.'
      );
  end;
  return v_key;
end;
$$;

create function private.revoke_key(p_key uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.admin_key(p_key);
  update kavach.api_keys set revoked_at = now() where id = p_key and revoked_at is null;
end;
$$;

create function private.rotate_key(p_key uuid, p_prefix text, p_hash bytea, p_grace interval default '24 hours')
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_old kavach.api_keys := private.admin_key(p_key);
  v_new uuid;
begin
  if v_old.revoked_at is not null or v_old.expires_at is not null then
    perform private.refuse(409, 'key_ended', 'This key is revoked or was rotated already. Create a new one.');
  end if;
  if p_grace not between interval '0' and interval '30 days' then
    perform private.refuse(422, 'invalid_grace', 'The grace period is 0 to 30 days.');
  end if;
  v_new := private.create_key(v_old.org_id, v_old.name, v_old.environment, v_old.scopes, p_prefix, p_hash);
  update kavach.api_keys set expires_at = now() + p_grace, replaced_by = v_new where id = p_key;
  return v_new;
end;
$$;

-- Another organisation's key and a key that does not exist look alike.
create function private.admin_key(p_key uuid)
returns kavach.api_keys
language plpgsql
set search_path = ''
as $$
declare
  v_key kavach.api_keys;
begin
  select * into v_key from kavach.api_keys k where k.id = p_key for no key update;
  if v_key.id is null or not (private.is_trusted() or v_key.org_id in (select private.orgs_with('read'))) then
    perform private.refuse(404, 'key_not_found', 'There is no such key in your organisation.');
  end if;
  perform private.require_scope(v_key.org_id, 'admin');
  return v_key;
end;
$$;

comment on function private.create_key(uuid, text, text, text[], text, bytea) is 'Stores a new key''s hash. Scope admin. Returns its id.';
comment on function private.revoke_key(uuid) is 'Refuses a key from now on. Scope admin. Revoking twice changes nothing.';
comment on function private.rotate_key(uuid, text, bytea, interval) is 'Makes a successor with the same name and scopes; the old key ends after the grace period. Returns the new id.';
comment on function private.admin_key(uuid) is 'A key that the caller may change, locked; 404 for any other.';

revoke execute on all functions in schema private from public;
grant execute on function
  private.create_key(uuid, text, text, text[], text, bytea), private.revoke_key(uuid), private.rotate_key(uuid, text, bytea, interval)
to authenticated, service_role;
