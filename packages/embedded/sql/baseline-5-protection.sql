-- On the platform `postgres` may create policies on realtime.messages without owning it. Plain PostgreSQL gives that right
-- to owners only, so `postgres` is a member of the owner's role, and these triggers refuse all else that an owner may do.

create or replace function kavach_embedded.protect_realtime() returns event_trigger
language plpgsql
set search_path = ''
as $$
declare
  touched text;
begin
  if (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
    return;
  end if;
  if tg_event = 'sql_drop' then
    select d.object_identity into touched
    from pg_catalog.pg_event_trigger_dropped_objects() as d
    where d.schema_name = 'realtime' and d.object_type <> 'policy'
    limit 1;
  else
    select c.object_identity into touched
    from pg_catalog.pg_event_trigger_ddl_commands() as c
    where c.schema_name = 'realtime' and c.command_tag not in ('CREATE POLICY', 'ALTER POLICY')
    limit 1;
  end if;
  if touched is not null then
    raise exception 'must be owner of %', touched
      using
        errcode = 'insufficient_privilege',
        hint = 'The schema realtime belongs to Supabase: a project may only create policies on realtime.messages.';
  end if;
end
$$;

drop event trigger if exists kavach_protect_realtime_changes;
create event trigger kavach_protect_realtime_changes on ddl_command_end
  execute function kavach_embedded.protect_realtime();

drop event trigger if exists kavach_protect_realtime_drops;
create event trigger kavach_protect_realtime_drops on sql_drop
  execute function kavach_embedded.protect_realtime();
