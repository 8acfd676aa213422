-- The kill channel: one private broadcast topic for each organisation, org:<id>:control. The database sends, clients receive.
create function private.may_listen(p_topic text)
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
  select case
    when p_topic ~ '^org:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:control$' then
      split_part(p_topic, ':', 2)::uuid in (select private.orgs_with('read'))
      or coalesce(
        auth.jwt() ->> 'kavach_org' = split_part(p_topic, ':', 2) and auth.jwt() -> 'kavach_topics' ? 'control'
          and auth.jwt() ->> 'sub' is null, -- a user's token makes no key of itself
        false
      )
    else false
  end;
$$;

create function private.broadcast(p_org uuid, p_event text, p_payload jsonb)
returns void
language sql
security definer
set search_path = ''
as $$
  select realtime.send(p_payload, p_event, 'org:' || p_org::text || ':control', true);
$$;

comment on function private.may_listen(text) is 'Whether the caller may receive on a Realtime topic: members of the organisation, and tokens made for its control topic.';
comment on function private.broadcast(uuid, text, jsonb) is 'Sends a ControlMessage on the organisation''s control topic when the transaction commits.';

revoke execute on all functions in schema private from public;
grant execute on function private.may_listen(text) to authenticated, service_role;

-- There is no policy for insert: no client may send.
create policy "callers can receive their organisation's control messages"
on realtime.messages for select
to authenticated
using (realtime.messages.extension = 'broadcast' and (select private.may_listen((select realtime.topic()))));
