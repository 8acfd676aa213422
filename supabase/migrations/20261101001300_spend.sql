-- Roll-ups of spend, added up in the transaction that stores the events.
create table kavach.hourly_spend (
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  agent_id uuid not null,
  bucket timestamptz not null,
  provider text not null,
  model text not null,
  cost numeric(30, 9) not null default 0,
  calls bigint not null default 0,
  tokens numeric(30, 0) not null default 0,
  input_tokens numeric(30, 0) not null default 0,
  output_tokens numeric(30, 0) not null default 0,
  estimated_cost numeric(30, 9) not null default 0,
  primary key (org_id, agent_id, bucket, provider, model),
  foreign key (org_id, agent_id) references kavach.agents (org_id, id) on delete cascade
) with (fillfactor = 70);

create index hourly_spend_bucket_idx on kavach.hourly_spend (org_id, bucket);

comment on table kavach.hourly_spend is 'Spend by agent, provider, model and UTC hour: what charts are drawn from. Kept for 90 days.';
comment on column kavach.hourly_spend.org_id is 'The organisation.';
comment on column kavach.hourly_spend.agent_id is 'The agent.';
comment on column kavach.hourly_spend.bucket is 'The UTC hour in which the calls started.';
comment on column kavach.hourly_spend.provider is 'openai, anthropic, …; charge for money outside a call.';
comment on column kavach.hourly_spend.model is 'The model, or the name of the charge.';
comment on column kavach.hourly_spend.cost is 'US dollars.';
comment on column kavach.hourly_spend.calls is 'Requests to the provider.';
comment on column kavach.hourly_spend.tokens is 'Input and output tokens together.';
comment on column kavach.hourly_spend.input_tokens is 'Input tokens, where known.';
comment on column kavach.hourly_spend.output_tokens is 'Output tokens, where known.';
comment on column kavach.hourly_spend.estimated_cost is 'The part of cost that is an upper bound.';

alter table kavach.hourly_spend enable row level security;
revoke all on kavach.hourly_spend from public, anon, authenticated;
grant select on kavach.hourly_spend to authenticated;
grant select, insert, update, delete on kavach.hourly_spend to service_role;

create policy "callers can read their organisation's hourly spend"
on kavach.hourly_spend for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));

create table kavach.daily_spend (
  org_id uuid not null references kavach.organizations (id) on delete cascade,
  agent_id uuid not null,
  bucket timestamptz not null,
  provider text not null,
  model text not null,
  cost numeric(30, 9) not null default 0,
  calls bigint not null default 0,
  tokens numeric(30, 0) not null default 0,
  input_tokens numeric(30, 0) not null default 0,
  output_tokens numeric(30, 0) not null default 0,
  estimated_cost numeric(30, 9) not null default 0,
  primary key (org_id, agent_id, bucket, provider, model),
  foreign key (org_id, agent_id) references kavach.agents (org_id, id) on delete cascade
) with (fillfactor = 70);

create index daily_spend_bucket_idx on kavach.daily_spend (org_id, bucket);

comment on table kavach.daily_spend is 'Spend by agent, provider, model and UTC day: what charts are drawn from. Kept for good.';
comment on column kavach.daily_spend.org_id is 'The organisation.';
comment on column kavach.daily_spend.agent_id is 'The agent.';
comment on column kavach.daily_spend.bucket is 'The UTC day in which the calls started.';
comment on column kavach.daily_spend.provider is 'openai, anthropic, …; charge for money outside a call.';
comment on column kavach.daily_spend.model is 'The model, or the name of the charge.';
comment on column kavach.daily_spend.cost is 'US dollars.';
comment on column kavach.daily_spend.calls is 'Requests to the provider.';
comment on column kavach.daily_spend.tokens is 'Input and output tokens together.';
comment on column kavach.daily_spend.input_tokens is 'Input tokens, where known.';
comment on column kavach.daily_spend.output_tokens is 'Output tokens, where known.';
comment on column kavach.daily_spend.estimated_cost is 'The part of cost that is an upper bound.';

alter table kavach.daily_spend enable row level security;
revoke all on kavach.daily_spend from public, anon, authenticated;
grant select on kavach.daily_spend to authenticated;
grant select, insert, update, delete on kavach.daily_spend to service_role;

create policy "callers can read their organisation's daily spend"
on kavach.daily_spend for select
to authenticated
using (org_id = any (array(select private.orgs_with('read'))));
