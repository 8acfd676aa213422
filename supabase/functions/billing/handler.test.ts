import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { startFixture, type Answer, type Fixture, type Tenant } from '../_operator/testing/fixture.ts';
import type { PlanAnswer } from './plan.ts';
import type { Outcome } from './webhook.ts';
import { handler } from './handler.ts';
import { FakeStripe } from './testing/fake-stripe.ts';

const SECRET = 'whsec_test_of_the_webhook';
const PRICES = { pricePro: 'price_pro', priceMax: 'price_max' };

let stripe: FakeStripe;
let fixture: Fixture;
let app: Hono;
beforeAll(async () => {
  stripe = await FakeStripe.start(SECRET);
  fixture = await startFixture({
    fetch: stripe.fetch,
    dashboardUrl: 'https://kavach.example',
    stripe: { secretKey: 'sk_test_secret', webhookSecret: SECRET, ...PRICES },
  });
  app = handler(fixture.deps);
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await stripe[Symbol.asyncDispose]();
});
beforeEach(async () => {
  stripe.failing = undefined;
  await fixture.sql`delete from kavach.subscriptions`;
  await fixture.sql`update kavach.organizations set plan_id = 'free'`;
});

const plan = (tenant: Tenant): Promise<Answer> => fixture.send(app, 'GET /billing/plan', { as: tenant.owner });
const checkout = (tenant: Tenant, wanted = 'pro'): Promise<Answer<{ url: string }>> =>
  fixture.send(app, 'POST /billing/checkout', { as: tenant.owner, body: { plan: wanted } });
const webhook = async (event: object, headers?: Record<string, string>): Promise<Answer<{ outcome: Outcome }>> => {
  const body = JSON.stringify(event);
  return fixture.send(app, 'POST /billing/webhook', { body, headers: headers ?? (await stripe.sign(body)) });
};
const subscribe = async (tenant: Tenant, wanted = 'pro') => {
  const paid = stripe.pay((await checkout(tenant, wanted)).body.url);
  expect((await webhook(paid.event)).body).toEqual({ received: true, outcome: 'applied' });
  return paid;
};

describe('GET /billing/plan', () => {
  it('tells every reader what the organisation may use', async () => {
    const { send, acme } = fixture;
    for (const as of [acme.member, acme.owner, acme.keys.read]) {
      const { status, body } = await send<PlanAnswer>(app, 'GET /billing/plan', { as });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        plan: { id: 'free', name: 'Free', priceUsd: 0, maxAgents: 3, maxEventsPerDay: 10_000, requestsPerMinute: 120 },
        subscription: null,
        configured: true,
      });
      expect(body.plans.map(({ id }) => id)).toEqual(['free', 'pro', 'max']);
      expect(body.plans[2]).toMatchObject({ maxAgents: null, maxEventsPerDay: null, requestsPerMinute: null });
    }
    expect((await send(app, 'GET /billing/plan')).status).toBe(401);
    expect((await send(app, 'GET /billing/plan', { as: acme.keys.sdk })).status).toBe(403);
  });

  it('is there without payments too, which then say so', async () => {
    const { send, acme, deps } = fixture;
    const free = handler({ ...deps, settings: { ...deps.settings, stripe: undefined } });
    const shown = await send(free, 'GET /billing/plan', { as: acme.owner });
    expect(shown.body).toMatchObject({ plan: { id: 'free' }, configured: false });
    for (const [path, body] of [['checkout', { plan: 'pro' }], ['portal'], ['webhook', {}]] as const) {
      const answer = await send(free, `POST /billing/${path}`, { as: acme.owner, ...(body ? { body } : {}) });
      expect(answer).toMatchObject({ status: 501, body: { error: { code: 'billing_not_configured' } } });
    }
  });
});

describe('POST /billing/checkout', () => {
  it('leads to a payment for the organisation', async () => {
    const { acme } = fixture;
    const { status, body } = await checkout(acme, 'max');
    expect(status).toBe(200);
    expect(body.url).toMatch(/^https:\/\/checkout\.stripe\.com\//);
    expect(stripe.sessions.get(body.url.split('/').at(-1)!)).toEqual({
      mode: 'subscription',
      'line_items[0][price]': 'price_max',
      'line_items[0][quantity]': '1',
      client_reference_id: acme.id,
      'metadata[kavach_org]': acme.id,
      'subscription_data[metadata][kavach_org]': acme.id,
      customer_email: acme.ownerEmail,
      success_url: 'https://kavach.example/billing?checkout=done',
      cancel_url: 'https://kavach.example/billing?checkout=cancelled',
    });
    expect(stripe.authorizations).toEqual(new Set(['Bearer sk_test_secret']));
  });

  it('sells no second subscription', async () => {
    const { acme } = fixture;
    await subscribe(acme);
    const sessions = stripe.sessions.size;
    expect(await checkout(acme, 'max')).toMatchObject({
      status: 409,
      body: { error: { code: 'already_subscribed' } },
    });
    expect(stripe.sessions.size).toBe(sessions);
  });

  it('is for admins, and for plans that can be bought', async () => {
    const { send, acme } = fixture;
    const sessions = stripe.sessions.size;
    const body = { plan: 'pro' };
    expect((await send(app, 'POST /billing/checkout', { body })).status).toBe(401);
    for (const as of [acme.member, acme.keys.read, acme.keys.sdk, acme.keys.control]) {
      expect((await send(app, 'POST /billing/checkout', { as, body })).status).toBe(403);
      expect((await send(app, 'POST /billing/portal', { as })).status).toBe(403);
    }
    for (const wrong of [{ plan: 'free' }, {}, { plan: 'pro', price: 1 }]) {
      expect((await send(app, 'POST /billing/checkout', { as: acme.owner, body: wrong })).status).toBe(422);
    }
    expect(stripe.sessions.size).toBe(sessions);
  });

  it('keeps to itself what Stripe says when it fails', async () => {
    stripe.failing = 400;
    const answer = await checkout(fixture.acme);
    expect(answer).toMatchObject({ status: 502, body: { error: { code: 'billing_unavailable' } } });
    expect(JSON.stringify(answer.body)).not.toContain('secret');
  });
});

describe('POST /billing/portal', () => {
  it('leads to Stripe’s portal for the customer of the organisation', async () => {
    const { send, acme, rival } = fixture;
    const { subscription } = await subscribe(acme);
    const answer = await send(app, 'POST /billing/portal', { as: acme.keys.admin });
    expect(answer).toMatchObject({ status: 200, body: { url: 'https://billing.stripe.com/p/session/1' } });
    expect(stripe.portals.at(-1)).toEqual({
      customer: subscription.customer,
      return_url: 'https://kavach.example/billing',
    });
    expect(await send(app, 'POST /billing/portal', { as: rival.owner })).toMatchObject({
      status: 409,
      body: { error: { code: 'not_subscribed' } },
    });
  });
});

describe('POST /billing/webhook', () => {
  it('gives the plan that was paid for, and takes it back', async () => {
    const { send, acme, rival } = fixture;
    const { subscription } = await subscribe(acme);
    expect((await plan(acme)).body).toMatchObject({
      plan: { id: 'pro' },
      subscription: { plan: 'pro', status: 'active', currentPeriodEnd: new Date(1_800_000_000_000).toISOString() },
    });
    expect((await plan(rival)).body).toMatchObject({ plan: { id: 'free' }, subscription: null });
    const member = await send(app, 'GET /billing/plan', { as: acme.member });
    expect(member.body).toMatchObject({ plan: { id: 'pro' }, subscription: null });

    subscription.price = PRICES.priceMax;
    await webhook(stripe.updated(subscription));
    expect((await plan(acme)).body).toMatchObject({ plan: { id: 'max' } });
    subscription.status = 'past_due';
    await webhook(stripe.updated(subscription));
    expect((await plan(acme)).body).toMatchObject({ plan: { id: 'max' }, subscription: { status: 'past_due' } });
    subscription.status = 'canceled';
    await webhook(stripe.updated(subscription, 'deleted'));
    expect((await plan(acme)).body).toMatchObject({ plan: { id: 'free' }, subscription: { status: 'canceled' } });
    expect((await checkout(acme)).status).toBe(200);
  });

  it('handles an event once', async () => {
    const { acme, sql } = fixture;
    const { event } = await subscribe(acme);
    await sql`update kavach.organizations set plan_id = 'free' where id = ${acme.id}`;
    expect((await webhook(event)).body).toEqual({ received: true, outcome: 'duplicate' });
    expect((await plan(acme)).body).toMatchObject({ plan: { id: 'free' } });
  });

  it('is not misled by events that come late', async () => {
    const { acme } = fixture;
    const { subscription } = await subscribe(acme);
    const early = stripe.updated(subscription);
    subscription.status = 'canceled';
    await webhook(stripe.updated(subscription, 'deleted'));
    // It says "active"; what counts is what Stripe says now.
    await webhook(early);
    expect((await plan(acme)).body).toMatchObject({ plan: { id: 'free' } });
  });

  it('keeps the plan of a new subscription when the old one ends', async () => {
    const { acme } = fixture;
    const old = await subscribe(acme);
    old.subscription.status = 'canceled';
    await webhook(stripe.updated(old.subscription, 'deleted'));
    await subscribe(acme, 'max');
    expect((await webhook(stripe.updated(old.subscription, 'deleted'))).body.outcome).toBe('superseded');
    expect((await plan(acme)).body).toMatchObject({ plan: { id: 'max' } });
  });

  it('believes only what Stripe has signed a moment ago', async () => {
    const { acme } = fixture;
    const paid = stripe.pay((await checkout(acme)).body.url);
    const body = JSON.stringify(paid.event);
    const hour = Math.floor(Date.now() / 1000) - 3_600;
    for (const headers of [
      {},
      { 'stripe-signature': 't=1,v1=00' },
      { 'stripe-signature': 'nonsense' },
      await stripe.sign(`${body} `),
      await stripe.sign(body, hour),
    ]) {
      expect(await webhook(paid.event, headers)).toMatchObject({
        status: 400,
        body: { error: { code: 'signature_invalid' } },
      });
    }
    expect((await plan(acme)).body).toMatchObject({ plan: { id: 'free' } });
  });

  it('lets be what is none of its business', async () => {
    const { acme } = fixture;
    const { subscription } = stripe.pay((await checkout(acme)).body.url);
    subscription.price = 'price_of_a_mug';
    const outcomes = [
      [stripe.event('invoice.paid', { id: 'in_1' }), 'ignored'],
      [stripe.event('checkout.session.completed', { id: 'cs_1', subscription: null }), 'ignored'],
      [stripe.event('customer.subscription.updated', { id: 'sub_gone' }), 'ignored'],
      [stripe.updated(subscription), 'unknown_price'],
    ] as const;
    for (const [event, outcome] of outcomes) expect((await webhook(event)).body).toEqual({ received: true, outcome });
    subscription.price = PRICES.pricePro;
    subscription.metadata['kavach_org'] = '00000000-0000-4000-8000-000000000000';
    expect((await webhook(stripe.updated(subscription))).body.outcome).toBe('unknown_organization');
    subscription.metadata['kavach_org'] = "'; drop table kavach.plans; --";
    expect((await webhook(stripe.updated(subscription))).body.outcome).toBe('unknown_organization');
    expect((await plan(acme)).body).toMatchObject({ plan: { id: 'free' } });
  });

  it('asks Stripe to come again while Stripe itself does not answer', async () => {
    const { subscription } = await subscribe(fixture.acme);
    stripe.failing = 500;
    expect((await webhook(stripe.updated(subscription))).status).toBe(502);
  });
});

describe('the function that changes plans', () => {
  it('is not for people, nor for keys', async () => {
    const { sql, acme } = fixture;
    for (const role of ['authenticated', 'anon']) {
      const attempt = sql.begin(async (transaction) => {
        await transaction`select set_config('role', ${role}, true)`;
        await transaction`
          select private.apply_subscription('evt_x', 'x', ${acme.id}, 'max', 'cus_x', 'sub_x', 'active', null, now())`;
      });
      await expect(attempt).rejects.toMatchObject({ code: '42501' });
    }
  });
});
