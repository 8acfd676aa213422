/**
 * Every path of every function with a body that is valid, and what each kind of caller is answered: a status, and the code
 * where it is an error. `yes`: the caller may, since it belongs to the victim and has the right.
 */
import { randomUUID } from 'node:crypto';
import type { Column } from './callers.ts';
import type { Victim } from './victim.ts';

export interface Path {
  /** As the app has it: `GET /agents/:name`. */
  readonly route: string;
  readonly query: string;
  /** What stands for the route's parameter. */
  readonly parameter?: (victim: Victim) => string;
  readonly body?: (victim: Victim) => unknown;
  readonly cells: Readonly<Record<Column, string>>;
  /** Who shows at the end that the request is a good one, and what they are answered. */
  readonly control?: readonly ['owner' | 'sdk', status: number];
}

const FORBIDDEN = '403 forbidden';
const NOT_YOURS = '404 organization_not_found';
const NO_ORG = '409 organization_required';

/** What holds for every path that asks for credentials. `refused`: each caller's own refusal. */
const CLOSED = { nobody: '401 credentials_required', refused: 'refused', ended: 'refused' } as const;
const OPERATOR = {
  ...CLOSED, userNaming: NOT_YOURS, keyNaming: NOT_YOURS, homeless: NO_ORG, homelessNaming: NOT_YOURS,
} as const; // prettier-ignore
const READ = { ...OPERATOR, member: 'yes', sdk: FORBIDDEN, read: 'yes', control: FORBIDDEN, admin: FORBIDDEN } as const;
const CONTROL = { ...READ, read: FORBIDDEN, control: 'yes' } as const;
/** Who changes something is shown it, so the scope admin alone is not enough. */
const ADMIN = { ...READ, member: FORBIDDEN, read: FORBIDDEN } as const;
const NO_KEY = '401 key_required';
const SDK = {
  ...CLOSED, user: NO_KEY, userNaming: NO_KEY, homeless: NO_KEY, homelessNaming: NO_KEY,
  // A key works for its own organisation here, whatever the header says.
  key: '200', keyNaming: '200', member: NO_KEY, sdk: 'yes', read: FORBIDDEN, control: FORBIDDEN, admin: FORBIDDEN,
} as const; // prettier-ignore

/** For a rival: its own list, without the victim's. */
const LIST = { user: '200', key: '200' } as const;
const missing = (what: string) => ({ user: `404 ${what}_not_found`, key: `404 ${what}_not_found` });
/** A path that looks at no credentials answers everybody alike. */
const open = (answer: string): Readonly<Record<Column, string>> => ({
  nobody: answer, refused: answer, ended: answer, user: answer, userNaming: answer, key: answer, keyNaming: answer, homeless: answer,
  homelessNaming: answer, member: answer, sdk: answer, read: answer, control: answer, admin: answer,
}); // prettier-ignore

type Rest = Omit<Path, 'route' | 'query' | 'cells'>;
const path = (request: string, cells: Path['cells'], rest: Rest = {}): Path => {
  const [route = '', query = ''] = request.split('?');
  return { route, query: query === '' ? '' : `?${query}`, cells, ...rest };
};
const cursorOf = (keys: unknown) => Buffer.from(JSON.stringify(keys)).toString('base64url');
const LATE = cursorOf(['2999-01-01T00:00:00.000000Z', 'ffffffff-ffff-4fff-8fff-ffffffffffff']);

const agent = (v: Victim) => v.agent;
const budget = (v: Victim) => v.budgetId;
const rule = (v: Victim) => v.ruleId;
const run = (v: Victim) => v.run;
const key = (v: Victim) => v.keyId;
const seen = { control: ['owner', 200] } as const;
const ownAgent = { parameter: agent, control: ['owner', 200] } as const;
const ownRun = { parameter: run, control: ['owner', 200] } as const;

/** Those that take something away come last: the owner goes through them in this order. */
export const PATHS: readonly Path[] = [
  path('GET /status', open('200')),
  path('GET /pricing', open('200')),

  path('GET /agents', { ...READ, ...LIST }, seen),
  path(`GET /agents?limit=200&cursor=${cursorOf('a')}`, { ...READ, ...LIST }, seen),
  path('GET /agents/:name', { ...READ, ...missing('agent') }, ownAgent),
  path('GET /agents/:name/runs', { ...READ, ...missing('agent') }, ownAgent),
  path(`GET /agents/:name/runs?cursor=${LATE}`, { ...READ, ...missing('agent') }, ownAgent),
  path('GET /agents/:name/events', { ...READ, ...missing('agent') }, ownAgent),
  path('GET /agents/:name/events?type=call&from=1970-01-01T00:00:00Z', { ...READ, ...missing('agent') }, ownAgent),
  path(
    'POST /agents/:name/kill',
    { ...CONTROL, ...missing('agent') },
    { ...ownAgent, body: () => ({ reason: 'cost' }) },
  ),
  path('POST /agents/:name/resume', { ...CONTROL, ...missing('agent') }, ownAgent),

  path('GET /runs/:id', { ...READ, ...missing('run') }, ownRun),
  path('GET /runs/:id/events', { ...READ, ...missing('run') }, ownRun),

  path('GET /dashboard/overview', { ...READ, ...LIST }, seen),
  path('GET /dashboard/overview?granularity=hour', { ...READ, ...LIST }, seen),
  path('GET /dashboard/stats', { ...READ, ...LIST }, seen),

  path('GET /billing/plan', { ...READ, ...LIST }, seen),
  path('POST /billing/checkout', { ...ADMIN, ...LIST }, { body: () => ({ plan: 'pro' }), control: ['owner', 200] }),
  path('POST /billing/portal', { ...ADMIN, user: '409 not_subscribed', key: '409 not_subscribed' }, seen),
  path('POST /billing/webhook', open('400 signature_invalid'), {
    body: (v) => ({
      id: 'evt_x', object: 'event', type: 'customer.subscription.deleted',
      data: { object: { id: 'sub_canary', object: 'subscription', customer: 'cus_canary', metadata: { kavach_org: v.org } } },
    }),
  }), // prettier-ignore

  path('GET /budgets', { ...READ, ...LIST }, seen),
  path('GET /budgets?agent=canary-agent', { ...READ, ...LIST }, seen),
  path('GET /budgets/:id', { ...READ, ...missing('budget') }, { parameter: budget, ...seen }),
  path('POST /budgets', { ...ADMIN, ...missing('agent') }, {
    body: (v) => ({ agent: v.agent, name: 'n', timeZone: 'UTC', period: 'monthly', limit: 1 }), control: ['owner', 201],
  }), // prettier-ignore
  path('PATCH /budgets/:id', {
    ...OPERATOR, ...missing('budget'),
    // Limits that code manages are set by code, so by the scope sdk, and by whom the function of the database lets.
    member: FORBIDDEN, sdk: 'yes', read: FORBIDDEN, control: '404 budget_not_found', admin: 'yes',
  }, { parameter: budget, body: () => ({ limit: 1 }), control: ['owner', 200] }), // prettier-ignore

  path('GET /alerts/rules', { ...READ, ...LIST }, seen),
  path(`GET /alerts/rules?cursor=${LATE}`, { ...READ, ...LIST }, seen),
  path('GET /alerts/rules/:id', { ...READ, ...missing('rule') }, { parameter: rule, ...seen }),
  path('GET /alerts/history', { ...READ, ...LIST }, seen),
  path('GET /alerts/history?agent=canary-agent&state=pending', { ...READ, ...LIST }, seen),
  path('POST /alerts/rules', { ...ADMIN, ...missing('budget') }, {
    body: (v) => ({ channel: 'email', target: { to: 'x@rival.example' }, threshold: 1, budget: v.budgetId, template: 'text' }), control: ['owner', 201],
  }), // prettier-ignore
  path('PATCH /alerts/rules/:id', { ...ADMIN, ...missing('rule') }, {
    parameter: rule, body: () => ({ enabled: false, target: { to: 'spy@rival.example' } }), control: ['owner', 200],
  }), // prettier-ignore

  path('GET /keys', { ...ADMIN, ...LIST }, seen),
  path(`GET /keys?cursor=${LATE}`, { ...ADMIN, ...LIST }, seen),
  path(
    'POST /keys',
    { ...ADMIN, user: '201', key: '201' },
    { body: () => ({ name: 'new', scopes: ['read'] }), control: ['owner', 201] },
  ),
  path(
    'POST /keys/:id/rotate',
    { ...ADMIN, ...missing('key') },
    { parameter: key, body: () => ({}), control: ['owner', 201] },
  ),

  path('POST /connect', SDK, {
    body: (v) => ({
      sdk: 'test', instance: randomUUID(), agent: v.agent,
      budgets: [
        { id: 'a', scope: 'agent', name: 'canary-budget', unit: 'usd', period: 'daily', timeZone: 'UTC', limit: 1e9 },
        { id: 'b', scope: 'shared', name: v.pool, unit: 'usd', period: 'total', timeZone: 'UTC', limit: 1e9 },
      ],
    }),
    control: ['sdk', 200],
  }), // prettier-ignore
  path('POST /ingest', SDK, {
    body: (v) => ({
      instance: randomUUID(), sentAt: Date.now(),
      events: [
        { type: 'charge', id: v.eventId, agent: v.agent, runId: v.runId, at: Date.now(), startedAt: Date.now(), name: 'x', nano: 1 },
        {
          type: 'call', id: randomUUID(), agent: v.agent, runId: v.runId, at: Date.now(), startedAt: Date.now(), user: 'u', tags: ['t'],
          provider: 'p', model: 'm', outcome: 'completed', estimated: false, nano: 1, tokens: 1, calls: 1, prompt: 'text',
        },
        { type: 'kill', id: randomUUID(), agent: v.agent, runId: v.runId, at: Date.now(), code: 'cost' },
        { id: v.eventId, type: 'none of ours' },
      ],
    }),
    control: ['sdk', 200],
  }), // prettier-ignore
  path('POST /leases', SDK, {
    body: (v) => ({
      instance: randomUUID(), agent: v.agent,
      leases: [{ leaseId: v.leaseId, close: true, used: 9e9, seq: 9 }, { leaseId: randomUUID(), close: false, used: 0, seq: 1 }].map(
        (lease) => ({ ...lease, budgetId: v.poolId, windowStart: null, hold: 0, want: 1e9, need: 0, maxCallMs: 1_000 }),
      ),
    }),
    control: ['sdk', 200],
  }), // prettier-ignore

  path('POST /auth/register', open('202'), {
    body: (v) => ({ email: v.ownerEmail, password: 'a-password-of-mine', organisation: 'x' }),
  }),
  path('POST /auth/verify', open('403 otp_expired'), { body: (v) => ({ email: v.ownerEmail, code: '123456' }) }),
  path('POST /auth/login', open('400 invalid_credentials'), {
    body: (v) => ({ email: v.ownerEmail, password: 'canary-hash' }),
  }),
  path('POST /auth/refresh', open('400 refresh_token_not_found'), { body: (v) => ({ refreshToken: v.ownerId }) }),
  path('POST /auth/recover', open('202'), { body: (v) => ({ email: v.ownerEmail }) }),
  path(
    'POST /auth/password',
    { ...open('403 user_required'), ...CLOSED, ended: '403 user_required', ...users('403 bad_jwt') },
    { body: () => ({ password: 'a-password-of-mine' }) },
  ),

  path('POST /budgets/:id/release', { ...ADMIN, ...missing('budget') }, { parameter: budget, control: ['owner', 200] }),
  path('DELETE /alerts/rules/:id', { ...ADMIN, ...missing('rule') }, { parameter: rule, control: ['owner', 204] }),
  path('DELETE /budgets/:id', { ...ADMIN, ...missing('budget') }, { parameter: budget, control: ['owner', 204] }),
  path('DELETE /keys/:id', { ...ADMIN, ...missing('key') }, { parameter: key, control: ['owner', 204] }),
];

function users(answer: string): Partial<Record<Column, string>> {
  return { user: answer, userNaming: answer, homeless: answer, homelessNaming: answer, member: answer };
}

/** The request line, with the victim's things in it. */
export function requestOf({ route, query, parameter }: Path, victim: Victim): string {
  return route.replace(/:\w+/, () => encodeURIComponent(parameter?.(victim) ?? '')) + query;
}
