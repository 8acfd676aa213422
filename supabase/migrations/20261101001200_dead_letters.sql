-- Events that were not stored, with the reason: nothing that an agent reports vanishes without a trace.
create table kavach.dead_letters (
  id bigint generated always as identity primary key,
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  event_id text,
  reason text not null,
  detail text not null,
  payload jsonb,
  received_at timestamptz not null default now()
);

create index dead_letters_newest_idx on kavach.dead_letters (org_id, received_at desc);
create index dead_letters_received_idx on kavach.dead_letters using brin (received_at);

comment on table kavach.dead_letters is 'Events that were refused, with the reason. Kept for 30 days.';
comment on column kavach.dead_letters.id is 'Identifier.';
comment on column kavach.dead_letters.org_id is 'The organisation.';
comment on column kavach.dead_letters.event_id is 'The id that the event claims; null where it has none.';
comment on column kavach.dead_letters.reason is 'invalid, clock_skew, too_old, conflict.';
comment on column kavach.dead_letters.detail is 'What was wrong.';
comment on column kavach.dead_letters.payload is 'The event as it came; above 8 kB its first characters as text.';
comment on column kavach.dead_letters.received_at is 'When it came.';

alter table kavach.dead_letters enable row level security;
revoke all on kavach.dead_letters from public, anon, authenticated;
grant select on kavach.dead_letters to authenticated;
grant select, insert, update, delete on kavach.dead_letters to service_role;

create policy "callers can read their organisation's dead letters"
on kavach.dead_letters for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));
