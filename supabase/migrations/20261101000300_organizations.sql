-- Organisations, who belongs to them, and the functions that every policy asks: which organisations may this caller touch?
create table kavach.organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  plan_id text not null default 'free' references kavach.plans (id),
  created_at timestamptz not null default now()
);

create index organizations_plan_id_idx on kavach.organizations (plan_id);

comment on table kavach.organizations is 'One row for each customer. Everything else belongs to one of them.';
comment on column kavach.organizations.id is 'Identifier; part of the Realtime topic org:<id>:control.';
comment on column kavach.organizations.name is 'Name shown to people.';
comment on column kavach.organizations.plan_id is 'The plan whose limits hold. Changed by billing.';
comment on column kavach.organizations.created_at is 'When it was created.';

create table kavach.members (
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null default 'member' check (role in ('owner', 'admin', 'member')),
  created_at timestamptz not null default now(),
  primary key (org_id, user_id)
);

create index members_user_id_idx on kavach.members (user_id);

comment on table kavach.members is 'Which person belongs to which organisation.';
comment on column kavach.members.org_id is 'The organisation.';
comment on column kavach.members.user_id is 'The person (auth.users).';
comment on column kavach.members.role is 'member: read, kill and resume. admin and owner: also keys, budgets and alerts.';
comment on column kavach.members.created_at is 'When they joined.';

-- Definer, because the policy on members would otherwise ask itself. A user has scopes by role, a key has its own.
create function private.orgs_with(p_scope text)
returns setof uuid
language sql
stable
security definer
rows 2
set search_path = ''
as $$
  select m.org_id
  from kavach.members m
  where m.user_id = (select auth.uid())
    and (p_scope in ('read', 'control') or (p_scope = 'admin' and m.role in ('admin', 'owner')))
  union
  select (claims.value ->> 'kavach_org')::uuid
  from (select auth.jwt() as value) claims
  where claims.value -> 'kavach_scopes' ? p_scope and claims.value ->> 'sub' is null;
$$;

comment on function private.orgs_with(text) is
  'The organisations in which the caller has a scope (sdk, read, control, admin). A token for Realtime has none.';

-- Studio, jobs and the service role carry no claims of a person or key. Claims always win: a connection of role postgres that
-- has authenticated a key is that key.
create function private.is_trusted()
returns boolean
language sql
stable
set search_path = ''
as $$
  select coalesce(nullif(current_setting('role', true), 'none'), session_user) in ('postgres', 'service_role', 'supabase_admin')
    and coalesce(auth.jwt() ->> 'role', 'service_role') = 'service_role';
$$;

comment on function private.is_trusted() is 'Whether the caller is an operator of the database (Studio, a job, the service role).';

create function private.require_scope(p_org uuid, p_scope text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if private.is_trusted() or p_org in (select private.orgs_with(p_scope)) then
    return;
  end if;
  if auth.uid() is null and auth.jwt() ->> 'kavach_org' is null then
    perform private.refuse(401, 'unauthenticated', 'Send an API key or a session token in the Authorization header.');
  end if;
  perform private.refuse(
    403, 'forbidden',
    format('This needs the scope "%s" in the organisation. Use a key with that scope, or ask an admin.', p_scope),
    jsonb_build_object('scope', p_scope)
  );
end;
$$;

comment on function private.require_scope(uuid, text) is 'Refuses with 401 or 403 unless the caller has the scope in the organisation, or is trusted.';

-- The endpoints of the SDK name no organisation: the key says which it is.
create function private.caller_org(p_scope text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  v_claims jsonb := coalesce(auth.jwt(), '{}');
begin
  -- A token with a subject is a user's: whatever else it claims, it is no key.
  if v_claims ->> 'kavach_org' is null or v_claims ->> 'sub' is not null then
    perform private.refuse(401, 'key_required', 'Send an AgentKavach API key: Authorization: Bearer ak_…');
  end if;
  if not coalesce(v_claims -> 'kavach_scopes' ? p_scope, false) then
    perform private.refuse(
      403, 'forbidden',
      format('This API key lacks the scope "%s". Create a key that has it.', p_scope),
      jsonb_build_object('scope', p_scope)
    );
  end if;
  return (v_claims ->> 'kavach_org')::uuid;
end;
$$;

comment on function private.caller_org(text) is 'The organisation of the API key that calls; refuses without a key or without the scope.';

create function private.create_organization(p_name text)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_user uuid := auth.uid();
  v_org uuid;
begin
  if v_user is null and not private.is_trusted() then
    perform private.refuse(401, 'unauthenticated', 'Sign in to create an organisation.');
  end if;
  if p_name is null or length(btrim(p_name)) not between 1 and 200 then
    perform private.refuse(422, 'invalid_name', 'An organisation''s name has 1 to 200 characters.');
  end if;
  -- Without the lock two requests at once would both see room for the last one.
  perform pg_advisory_xact_lock(hashtextextended('kavach.organizations:' || v_user::text, 0));
  if (select count(*) from kavach.members m where m.user_id = v_user and m.role = 'owner') >= 20 then
    perform private.refuse(409, 'organization_limit', 'One person can own 20 organisations. Delete one first.');
  end if;
  insert into kavach.organizations (name) values (btrim(p_name)) returning id into v_org;
  if v_user is not null then
    insert into kavach.members (org_id, user_id, role) values (v_org, v_user, 'owner');
  end if;
  return v_org;
end;
$$;

comment on function private.create_organization(text) is 'Creates an organisation on the free plan; the caller becomes its owner. Returns its id.';

revoke execute on all functions in schema private from public;
grant execute on function private.orgs_with(text), private.create_organization(text) to authenticated, service_role;
grant execute on function private.is_trusted(), private.require_scope(uuid, text), private.caller_org(text) to service_role;

alter table kavach.organizations enable row level security;
alter table kavach.members enable row level security;
revoke all on kavach.organizations, kavach.members from public, anon, authenticated;
grant select, update (name) on kavach.organizations to authenticated;
grant select on kavach.members to authenticated;
grant select, insert, update, delete on kavach.organizations, kavach.members to service_role;

create policy "callers can read their organisations"
on kavach.organizations for select
to authenticated
using (id = any (array(select private.orgs_with('read'))));

create policy "admins can rename their organisations"
on kavach.organizations for update
to authenticated
using (id = any (array(select private.orgs_with('admin'))))
with check (id = any (array(select private.orgs_with('admin'))));

create policy "callers can read the members of their organisations"
on kavach.members for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));
