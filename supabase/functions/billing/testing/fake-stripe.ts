/**
 * Stripe as far as the billing function uses it: its wire format (form bodies in, JSON out) on a loopback port, with a
 * ledger of its own, and webhook events signed as Stripe signs them.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';

export interface FakeSubscription {
  readonly id: string;
  readonly customer: string;
  status: string;
  price: string;
  readonly metadata: Record<string, string>;
}

/** A request body as Stripe's libraries write it: `line_items[0][price]=…`. */
type Form = Readonly<Record<string, string>>;

export class FakeStripe {
  readonly sessions = new Map<string, Form>();
  readonly subscriptions = new Map<string, FakeSubscription>();
  readonly portals: Form[] = [];
  readonly authorizations = new Set<string>();
  /** Answers every request with this status where it is set. */
  failing: number | undefined;
  private readonly server = createServer((request, response) => void this.answer(request, response));
  private last = 0;

  private constructor(private readonly webhookSecret: string) {}

  static async start(webhookSecret: string): Promise<FakeStripe> {
    const fake = new FakeStripe(webhookSecret);
    await new Promise<void>((resolve) => fake.server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** A `fetch` whose Stripe is this one. */
  readonly fetch: typeof fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const { port } = this.server.address() as AddressInfo;
    return fetch(url.replace('https://api.stripe.com', `http://127.0.0.1:${port}`), init);
  };

  /** Somebody pays for a checkout session. @returns its subscription, and the event that Stripe sends */
  pay(sessionUrl: string): { subscription: FakeSubscription; event: object } {
    const id = sessionUrl.split('/').at(-1)!;
    const form = this.sessions.get(id)!;
    const subscription: FakeSubscription = {
      id: this.id('sub'),
      customer: form['customer'] ?? this.id('cus'),
      status: 'active',
      price: form['line_items[0][price]']!,
      metadata: { kavach_org: form['subscription_data[metadata][kavach_org]']! },
    };
    this.subscriptions.set(subscription.id, subscription);
    const object = { id, object: 'checkout.session', mode: 'subscription', subscription: subscription.id };
    return { subscription, event: this.event('checkout.session.completed', object) };
  }

  /** An event about an object, as Stripe writes it. */
  event(type: string, object: object): object {
    return {
      id: this.id('evt'),
      object: 'event',
      api_version: '2026-10-28.endive',
      created: 0,
      type,
      data: { object },
    };
  }

  /** An event about a subscription as it is now. */
  updated(subscription: FakeSubscription, what: 'created' | 'updated' | 'deleted' = 'updated'): object {
    return this.event(`customer.subscription.${what}`, show(subscription));
  }

  /** The headers with which Stripe would send a body. `at`: seconds since the epoch. */
  async sign(body: string, at = Math.floor(Date.now() / 1000)): Promise<Record<string, string>> {
    const stripe = new Stripe('sk_test_x');
    const { webhookSecret: secret } = this;
    return {
      'stripe-signature': await stripe.webhooks.generateTestHeaderStringAsync({ payload: body, secret, timestamp: at }),
    };
  }

  private id(kind: string): string {
    this.last += 1;
    return `${kind}_${this.last}`;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    this.authorizations.add(request.headers.authorization ?? '');
    const form = Object.fromEntries(new URLSearchParams(text));
    const [status, body] = this.route(`${request.method ?? ''} ${request.url ?? ''}`, form);
    response.writeHead(status, { 'content-type': 'application/json', 'request-id': this.id('req') });
    response.end(JSON.stringify(body));
  }

  private route(request: string, form: Form): [number, object] {
    const error = (code: string) => ({ error: { type: 'invalid_request_error', code, message: `secret ${code}` } });
    if (this.failing !== undefined) return [this.failing, error('out_of_order')];
    const subscription = /^GET \/v1\/subscriptions\/(\w+)$/.exec(request)?.[1];
    if (subscription !== undefined) {
      const found = this.subscriptions.get(subscription);
      return found === undefined ? [404, error('resource_missing')] : [200, show(found)];
    }
    if (request === 'POST /v1/checkout/sessions') {
      const id = this.id('cs');
      this.sessions.set(id, form);
      return [200, { id, object: 'checkout.session', url: `https://checkout.stripe.com/c/pay/${id}` }];
    }
    if (request === 'POST /v1/billing_portal/sessions') {
      this.portals.push(form);
      return [200, { object: 'billing_portal.session', url: 'https://billing.stripe.com/p/session/1' }];
    }
    return [404, error('unknown_path')];
  }
}

function show({ price, ...subscription }: FakeSubscription): object {
  return {
    object: 'subscription',
    ...subscription,
    items: { object: 'list', data: [{ id: 'si_1', price: { id: price }, current_period_end: 1_800_000_000 }] },
  };
}
