/**
 * What Stripe tells us: a subscription became another plan. Events may come twice and in any order, so an event says only
 * which subscription to look at; what holds is what Stripe answers when it is asked.
 */
import Stripe from 'stripe';
import { ApiError } from '../_shared/api-error.ts';
import type { Database } from '../_shared/database.ts';
import type { StripeSettings } from '../_shared/dependencies.ts';
import type { Sql } from '../_operator/sql.ts';
import { askStripe, type Payments } from './stripe-client.ts';

/** Statuses in which a subscription is paid for, or Stripe is still trying to collect. */
const PAID: ReadonlySet<string> = new Set(['active', 'trialing', 'past_due']);

/** What came of an event. */
export type Outcome =
  'applied' | 'duplicate' | 'stale' | 'superseded' | 'unknown_organization' | 'unknown_price' | 'ignored';

/**
 * The event, if Stripe signed it within the last five minutes.
 *
 * @throws ApiError 400 `signature_invalid`
 */
export async function verifiedEvent(
  { stripe, settings }: Payments,
  body: string,
  signature: string | undefined,
  now: number,
): Promise<Stripe.Event> {
  const invalid = new ApiError(400, 'signature_invalid', 'The Stripe-Signature header does not fit the body.');
  if (signature === undefined) throw invalid;
  try {
    return await stripe.webhooks.constructEventAsync(
      body,
      signature,
      settings.webhookSecret,
      undefined,
      Stripe.createSubtleCryptoProvider(),
      now,
    );
  } catch {
    throw invalid;
  }
}

/** Does what an event asks for. `now`: milliseconds since the epoch. */
export async function handleEvent(
  database: Database,
  payments: Payments,
  event: Stripe.Event,
  now: number,
): Promise<Outcome> {
  const id = subscriptionOf(event);
  if (id === undefined) return 'ignored';
  // Taken before Stripe is asked: of two answers the one that was asked for later is the newer.
  const observedAt = new Date(now);
  const subscription = await retrieve(payments.stripe, id);
  if (subscription === undefined) return 'ignored';
  const plan = planOf(subscription, payments.settings);
  if (plan === undefined) return 'unknown_price';
  const org = subscription.metadata['kavach_org'] ?? '';
  const customer = typeof subscription.customer === 'string' ? subscription.customer : subscription.customer.id;
  return asService(database, async (sql) => {
    const [row] = await sql<[{ outcome: Outcome }]>`
      select private.apply_subscription(
        ${event.id}, ${event.type}, ${UUID.test(org) ? org : null}, ${plan}, ${customer}, ${subscription.id},
        ${subscription.status}, ${periodEnd(subscription)}, ${observedAt}
      ) as outcome`;
    return row.outcome;
  });
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function subscriptionOf(event: Stripe.Event): string | undefined {
  switch (event.type) {
    case 'customer.subscription.created':
    case 'customer.subscription.updated':
    case 'customer.subscription.deleted':
    case 'customer.subscription.paused':
    case 'customer.subscription.resumed':
      return event.data.object.id;
    case 'checkout.session.completed': {
      const { subscription } = event.data.object;
      return typeof subscription === 'string' ? subscription : subscription?.id;
    }
    default:
      return undefined;
  }
}

async function retrieve(stripe: Stripe, id: string): Promise<Stripe.Subscription | undefined> {
  return askStripe(async () => {
    try {
      return await stripe.subscriptions.retrieve(id);
    } catch (error) {
      if (error instanceof Stripe.errors.StripeError && error.code === 'resource_missing') return undefined;
      throw error;
    }
  });
}

/** The plan from now on; `undefined` for a subscription to something else. */
function planOf(subscription: Stripe.Subscription, prices: StripeSettings): 'free' | 'pro' | 'max' | undefined {
  const bought = subscription.items.data.map(({ price }) => price.id);
  const plan = bought.includes(prices.priceMax) ? 'max' : bought.includes(prices.pricePro) ? 'pro' : undefined;
  return plan === undefined || PAID.has(subscription.status) ? plan : 'free';
}

function periodEnd(subscription: Stripe.Subscription): Date | null {
  const ends = subscription.items.data.map((item) => item.current_period_end);
  return ends.length === 0 ? null : new Date(Math.max(...ends) * 1000);
}

/** Stripe is nobody's user: its word is kept by the project itself, and by one function that only the project may call. */
async function asService<T>(database: Database, work: (sql: Sql) => Promise<T>): Promise<T> {
  return database.as({ kind: 'anon' }, async (sql) => {
    await sql`
      select set_config('role', 'service_role', true), set_config('request.jwt.claims', '{"role":"service_role"}', true)`;
    return work(sql);
  });
}
