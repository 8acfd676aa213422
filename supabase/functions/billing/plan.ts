/** Which plan an organisation has, and which there are. */
import type { Sql } from '../_operator/sql.ts';

/** A plan. `null`: no limit. */
export interface PlanView {
  readonly id: string;
  readonly name: string;
  /** US dollars per month. */
  readonly priceUsd: number;
  readonly maxAgents: number | null;
  readonly maxEventsPerDay: number | null;
  readonly requestsPerMinute: number | null;
}

/** `GET /v1/billing/plan` */
export interface PlanAnswer {
  readonly plan: PlanView;
  /** All plans, the cheapest first. */
  readonly plans: readonly PlanView[];
  /** The paid subscription; `null` where there is none, and for callers who are no admins. */
  readonly subscription: {
    readonly plan: string;
    /** Stripe's: active, past_due, canceled, … */
    readonly status: string | null;
    readonly currentPeriodEnd: string | null;
  } | null;
  /** Whether plans can be bought here. */
  readonly configured: boolean;
}

interface SubscriptionRow {
  readonly plan: string;
  readonly status: string | null;
  readonly currentPeriodEnd: Date | null;
}

/** Reads the plan. */
export async function findPlan(sql: Sql, org: string, configured: boolean): Promise<PlanAnswer> {
  const plans = await sql<(PlanView & { readonly present: boolean })[]>`
    select p.id, p.name, p.price_usd::float8 as "priceUsd", p.max_agents as "maxAgents",
      p.max_events_per_day::float8 as "maxEventsPerDay", p.burst_per_minute as "requestsPerMinute", p.id = o.plan_id as present
    from kavach.plans p join kavach.organizations o on o.id = ${org}
    order by p.price_usd, p.id`;
  const [paid] = await sql<SubscriptionRow[]>`
    select s.plan_id as plan, s.status, s.current_period_end as "currentPeriodEnd"
    from kavach.subscriptions s where s.org_id = ${org}`;
  const views = plans.map(({ present, ...plan }) => ({ plan, present }));
  const own = views.find(({ present }) => present);
  // Every organisation refers to a plan that exists.
  if (own === undefined) throw new Error(`organisation ${org} has no plan`);
  return {
    plan: own.plan,
    plans: views.map(({ plan }) => plan),
    subscription:
      paid === undefined ? null : { ...paid, currentPeriodEnd: paid.currentPeriodEnd?.toISOString() ?? null },
    configured,
  };
}

/** What Stripe knows an organisation by. */
export interface Account {
  readonly customer: string | null;
  readonly status: string | null;
}

/** Reads it; for admins only, whom row level security lets see it. */
export async function findAccount(sql: Sql, org: string): Promise<Account> {
  const [row] = await sql<Account[]>`
    select s.stripe_customer as customer, s.status from kavach.subscriptions s where s.org_id = ${org}`;
  return row ?? { customer: null, status: null };
}
