/** `/v1/billing`: the plan, and how to change it at Stripe. */
import type { Hono } from 'hono';
import { z } from 'zod';
import { ApiError } from '../_shared/api-error.ts';
import type { Dependencies } from '../_shared/dependencies.ts';
import { readJson } from '../_shared/http.ts';
import { readText } from '../_shared/read-body.ts';
import { operatorApp } from '../_operator/app.ts';
import { noQuery } from '../_operator/fields.ts';
import { actorOf, inOrganisation, readQuery } from '../_operator/request.ts';
import { findAccount, findPlan } from './plan.ts';
import { askStripe, paymentsOf } from './stripe-client.ts';
import { handleEvent, verifiedEvent } from './webhook.ts';

const purchase = z.strictObject({ plan: z.enum(['pro', 'max']) });

/** Stripe's events are some kilobytes. */
const LARGEST_EVENT = 1_000_000;

/** Statuses in which another purchase would be a second subscription. */
const TAKEN: ReadonlySet<string> = new Set(['active', 'trialing', 'past_due', 'unpaid', 'paused']);

/**
 * The app of `/billing`.
 *
 * - `GET /plan` → `PlanAnswer`. Scope `read`.
 * - `POST /checkout { plan: 'pro' | 'max' }` → `{ url }`: where to pay. Scope `admin`.
 * - `POST /portal` → `{ url }`: where to change the card or the plan, or to cancel. Scope `admin`.
 * - `POST /webhook` → `{ received: true, outcome }`: for Stripe alone, which signs what it sends.
 *
 * Errors: 401, 403 `forbidden`, 409 `already_subscribed` and `not_subscribed`, 422 `invalid`, 501 `billing_not_configured`,
 * 502 `billing_unavailable`; of the webhook 400 `signature_invalid`.
 */
export function handler(deps: Dependencies): Hono {
  const app = operatorApp('/billing');

  app.get('/plan', async (c) => {
    readQuery(c, noQuery);
    const configured = deps.settings.stripe !== undefined && deps.settings.dashboardUrl !== undefined;
    return c.json(await inOrganisation(c, deps, 'read', ({ sql, org }) => findPlan(sql, org, configured)));
  });

  app.post('/checkout', async (c) => {
    readQuery(c, noQuery);
    const { plan } = await readJson(c, purchase, { maxBytes: 1_000 });
    const account = await inOrganisation(c, deps, 'admin', async ({ sql, org, caller }) => ({
      ...(await findAccount(sql, org)),
      org,
      email: caller.kind === 'user' ? actorOf(caller) : null,
    }));
    const { stripe, settings, dashboardUrl } = paymentsOf(deps);
    if (account.status !== null && TAKEN.has(account.status)) {
      throw new ApiError(
        409,
        'already_subscribed',
        'There is a subscription already. Change its plan in the billing portal: POST /v1/billing/portal.',
      );
    }
    // The organisation is written on the subscription itself: every later event is known by it.
    const metadata = { kavach_org: account.org };
    const session = await askStripe(() =>
      stripe.checkout.sessions.create({
        mode: 'subscription',
        line_items: [{ price: plan === 'pro' ? settings.pricePro : settings.priceMax, quantity: 1 }],
        client_reference_id: account.org,
        metadata,
        subscription_data: { metadata },
        ...payer(account),
        success_url: `${dashboardUrl}/billing?checkout=done`,
        cancel_url: `${dashboardUrl}/billing?checkout=cancelled`,
      }),
    );
    return c.json({ url: session.url });
  });

  app.post('/portal', async (c) => {
    readQuery(c, noQuery);
    const { customer } = await inOrganisation(c, deps, 'admin', ({ sql, org }) => findAccount(sql, org));
    const { stripe, dashboardUrl } = paymentsOf(deps);
    if (customer === null) {
      throw new ApiError(
        409,
        'not_subscribed',
        'There is no subscription yet. Buy one with POST /v1/billing/checkout.',
      );
    }
    const session = await askStripe(() =>
      stripe.billingPortal.sessions.create({ customer, return_url: `${dashboardUrl}/billing` }),
    );
    return c.json({ url: session.url });
  });

  app.post('/webhook', async (c) => {
    const payments = paymentsOf(deps);
    const now = deps.now();
    const body = await readText(c.req.raw, LARGEST_EVENT);
    const event = await verifiedEvent(payments, body, c.req.header('stripe-signature'), now);
    const outcome = await handleEvent(deps.database, payments, event, now);
    return c.json({ received: true, outcome });
  });

  return app;
}

function payer({ customer, email }: { customer: string | null; email: string | null }): object {
  if (customer !== null) return { customer };
  return email?.includes('@') === true ? { customer_email: email } : {};
}
