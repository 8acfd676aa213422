-- The plans and what they allow. Null means unlimited.
create table kavach.plans (
  id text primary key check (id ~ '^[a-z][a-z0-9_-]{0,31}$'),
  name text not null,
  max_agents int check (max_agents >= 0),
  max_events_per_day bigint check (max_events_per_day >= 0),
  burst_per_minute int check (burst_per_minute > 0),
  price_usd numeric(10, 2) not null check (price_usd >= 0)
);

comment on table kavach.plans is 'Subscription plans and their limits.';
comment on column kavach.plans.id is 'Stable identifier: free, pro, max.';
comment on column kavach.plans.name is 'Name shown to people.';
comment on column kavach.plans.max_agents is 'How many agents an organisation may have; null = unlimited.';
comment on column kavach.plans.max_events_per_day is 'How many events are stored per UTC day; null = unlimited.';
comment on column kavach.plans.burst_per_minute is 'API requests per minute and endpoint group; null = unlimited.';
comment on column kavach.plans.price_usd is 'Price in US dollars per month.';

insert into kavach.plans (id, name, max_agents, max_events_per_day, burst_per_minute, price_usd)
values
  ('free', 'Free', 3, 10000, 120, 0),
  ('pro', 'Pro', 25, 1000000, 1200, 49),
  ('max', 'Max', null, null, null, 299);

alter table kavach.plans enable row level security;
revoke all on kavach.plans from public, anon, authenticated;
grant select on kavach.plans to authenticated;
grant select, insert, update, delete on kavach.plans to service_role;

create policy "signed-in callers can read the plans"
on kavach.plans for select
to authenticated
using (true);
