-- Subscriptions at Stripe, and the webhook events that were handled.
create table kavach.subscriptions (
  org_id uuid primary key references kavach.organizations (id) on delete cascade,
  plan_id text not null default 'free' references kavach.plans (id),
  stripe_customer text unique,
  stripe_subscription text unique,
  status text,
  current_period_end timestamptz,
  observed_at timestamptz
);

create index subscriptions_plan_id_idx on kavach.subscriptions (plan_id);

comment on table kavach.subscriptions is 'The Stripe subscription of each organisation that has one.';
comment on column kavach.subscriptions.org_id is 'The organisation.';
comment on column kavach.subscriptions.plan_id is 'The plan that is paid for.';
comment on column kavach.subscriptions.stripe_customer is 'Stripe''s customer id.';
comment on column kavach.subscriptions.stripe_subscription is 'Stripe''s subscription id.';
comment on column kavach.subscriptions.status is 'Stripe''s status: active, past_due, canceled, …';
comment on column kavach.subscriptions.current_period_end is 'Until when it is paid.';
comment on column kavach.subscriptions.observed_at is 'When Stripe was asked for what stands here: an older answer changes nothing.';

create table kavach.billing_events (
  id text primary key,
  type text not null,
  received_at timestamptz not null default now()
);

comment on table kavach.billing_events is 'Stripe webhook events that were handled: the same id is handled once.';
comment on column kavach.billing_events.id is 'Stripe''s event id.';
comment on column kavach.billing_events.type is 'Stripe''s event type.';
comment on column kavach.billing_events.received_at is 'When it came.';

alter table kavach.subscriptions enable row level security;
alter table kavach.billing_events enable row level security;
revoke all on kavach.subscriptions, kavach.billing_events from public, anon, authenticated;
grant select on kavach.subscriptions to authenticated;
grant select, insert, update, delete on kavach.subscriptions, kavach.billing_events to service_role;

create policy "admins can read their organisation's subscription"
on kavach.subscriptions for select
to authenticated
using (org_id = any (array(select private.orgs_with('admin'))));

create policy "nobody reads webhook events through the API"
on kavach.billing_events for select
to authenticated
using (false);

-- Stripe's events come twice and in any order: the id makes each one count once, the time of observation lets the newest win.
create function private.apply_subscription(
  p_event text, p_type text, p_org uuid, p_plan text, p_customer text, p_subscription text, p_status text,
  p_period_end timestamptz, p_observed_at timestamptz
)
returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_org uuid;
  v_old kavach.subscriptions;
begin
  insert into kavach.billing_events (id, type) values (p_event, p_type) on conflict (id) do nothing;
  if not found then
    return 'duplicate';
  end if;
  select o.id into v_org
  from kavach.organizations o
  where o.id = coalesce(p_org, (select s.org_id from kavach.subscriptions s where s.stripe_customer = p_customer))
  for no key update;
  if v_org is null then
    -- Not handled: it may come again when the organisation is known.
    delete from kavach.billing_events e where e.id = p_event;
    return 'unknown_organization';
  end if;
  select s.* into v_old from kavach.subscriptions s where s.org_id = v_org for no key update;
  if v_old.observed_at > p_observed_at then
    return 'stale';
  end if;
  if v_old.stripe_subscription <> p_subscription and v_old.status in ('active', 'trialing', 'past_due')
    and p_status not in ('active', 'trialing', 'past_due') then
    return 'superseded';
  end if;
  insert into kavach.subscriptions as s
    (org_id, plan_id, stripe_customer, stripe_subscription, status, current_period_end, observed_at)
  values (v_org, p_plan, p_customer, p_subscription, p_status, p_period_end, p_observed_at)
  on conflict (org_id) do update
  set plan_id = excluded.plan_id, stripe_customer = excluded.stripe_customer,
    stripe_subscription = excluded.stripe_subscription, status = excluded.status,
    current_period_end = excluded.current_period_end, observed_at = excluded.observed_at;
  update kavach.organizations o set plan_id = p_plan where o.id = v_org and o.plan_id <> p_plan;
  return 'applied';
end;
$$;

comment on function private.apply_subscription(text, text, uuid, text, text, text, text, timestamptz, timestamptz) is
  'What a Stripe event says about an organisation''s subscription, for the webhook alone. Returns applied, duplicate, stale, superseded or unknown_organization.';

revoke execute on all functions in schema private from public;
grant execute on function private.apply_subscription(text, text, uuid, text, text, text, text, timestamptz, timestamptz) to service_role;
