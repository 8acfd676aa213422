-- Supabase Realtime's table of messages and the functions that send into it. Rows are handed to the embedded Realtime
-- server by NOTIFY on the channel kavach_realtime; on the platform Realtime reads the table's replication stream.

create schema if not exists realtime;
grant usage on schema realtime to postgres, anon, authenticated, service_role, supabase_realtime_admin;

create table if not exists realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp not null default now(),
  inserted_at timestamp not null default now(),
  id uuid not null default gen_random_uuid(),
  binary_payload bytea,
  primary key (id, inserted_at)
) partition by range (inserted_at);

-- The platform has one partition for each day; here the scheduler deletes what is older than three days.
create table if not exists realtime.messages_all partition of realtime.messages default;

create index if not exists messages_inserted_at_topic_index
  on realtime.messages (inserted_at desc, topic)
  where extension = 'broadcast' and private is true;

alter table realtime.messages enable row level security;
alter table realtime.messages owner to supabase_realtime_admin;
alter table realtime.messages_all enable row level security;
alter table realtime.messages_all owner to supabase_realtime_admin;
grant select, insert, update on realtime.messages to postgres, anon, authenticated, service_role;

create or replace function realtime.topic() returns text
language sql stable
as $$
  select nullif(current_setting('realtime.topic', true), '')
$$;

-- As on the platform: any error becomes a warning, so a caller must not rely on it to fail.
create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void
language plpgsql
as $$
declare
  generated_id uuid := gen_random_uuid();
begin
  begin
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (
      generated_id,
      case when payload ? 'id' then payload else jsonb_set(payload, '{id}', to_jsonb(generated_id)) end,
      event,
      topic,
      private,
      'broadcast'
    );
  exception
    when others then
      raise warning 'ErrorSendingBroadcastMessage: %', sqlerrm;
  end;
end
$$;

create or replace function realtime.broadcast_changes(
  topic_name text,
  event_name text,
  operation text,
  table_name text,
  table_schema text,
  new record,
  old record,
  level text default 'ROW'
)
returns void
language plpgsql
as $$
begin
  if level = 'STATEMENT' then
    raise exception 'function can only be triggered for each row, not for each statement';
  end if;
  if operation not in ('INSERT', 'UPDATE', 'DELETE') then
    raise exception 'Unexpected operation type: %', operation;
  end if;
  perform realtime.send(
    jsonb_build_object(
      'old_record', old,
      'record', new,
      'operation', operation,
      'table', table_name,
      'schema', table_schema
    ),
    event_name,
    topic_name
  );
exception
  when others then
    raise exception 'Failed to process the row: %', sqlerrm;
end
$$;

-- A notification ends at 8,000 bytes: what is longer is announced by its id, and the server reads the row.
create or replace function realtime.notify_broadcast() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  head jsonb := jsonb_build_object('id', new.id, 't', new.topic, 'e', new.event, 'p', new.private);
  message text := (head || jsonb_build_object('d', new.payload))::text;
begin
  if octet_length(message) > 7900 then
    message := (head || jsonb_build_object('big', true))::text;
  end if;
  perform pg_catalog.pg_notify('kavach_realtime', message);
  return null;
end
$$;

revoke all on function realtime.notify_broadcast() from public;

create or replace trigger notify_broadcast
  after insert on realtime.messages
  for each row
  when (new.extension = 'broadcast' and new.event is not null)
  execute function realtime.notify_broadcast();

do $$
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
end
$$;
