/**
 * The wire contract as schemas: what `@agentkavach/core/wire` promises, checked. Nothing unknown passes, so that a field
 * which a newer SDK sends is refused by its name and not lost in silence.
 */
import { WIRE_LIMITS } from '@agentkavach/core/wire';
import { z } from 'zod';

/** Postgres stores neither NUL nor half of a surrogate pair. */
const STORABLE = /^[^\0\p{Surrogate}]*$/u;
const UNSTORABLE = 'contains a NUL character or half of a surrogate pair';
/** The last moment of JavaScript's dates, in milliseconds. */
const LAST_MOMENT = 8.64e15;
const LONGEST_CALL_MS = 86_400_000;

const uuid = z.uuid();
const moment = z.int().min(0).max(LAST_MOMENT);
const amount = z.int().min(0).max(WIRE_LIMITS.amount);
const named = (longest: number) => z.string().min(1).max(longest).regex(STORABLE, UNSTORABLE);
const name = named(WIRE_LIMITS.name);
/** Text that someone else wrote: cut anywhere, so half a pair at its end is mended and not refused. */
const text = z
  .string()
  .max(WIRE_LIMITS.prompt)
  .overwrite((value) => value.toWellFormed())
  .regex(STORABLE, UNSTORABLE);

const budget = z
  .strictObject({
    id: name,
    scope: z.enum(['agent', 'user', 'tag', 'shared', 'org']),
    name: name.nullable(),
    unit: z.enum(['usd', 'tokens', 'calls']),
    period: z.enum(['hourly', 'daily', 'weekly', 'monthly', 'total']),
    timeZone: z.string().max(64).refine(isTimeZone, 'is not an IANA time zone, such as Europe/Berlin'),
    limit: amount.min(1),
  })
  .refine(({ scope, name }) => scope !== 'shared' || name !== null, { path: ['name'], message: 'names the pool' });

/** POST /v1/connect */
export const connectRequest = z
  .strictObject({ sdk: name, instance: uuid, agent: name, budgets: z.array(budget).max(WIRE_LIMITS.budgets) })
  .refine(({ budgets }) => new Set(budgets.map(({ id }) => id)).size === budgets.length, {
    path: ['budgets'],
    message: 'has two budgets with the same id',
  });

const head = { id: uuid, agent: name, runId: name, at: moment };
const holders = {
  user: name.optional(),
  tags: z.array(named(WIRE_LIMITS.tag)).max(WIRE_LIMITS.tags).optional(),
};

const callEvent = z.strictObject({
  ...head,
  ...holders,
  type: z.literal('call'),
  startedAt: moment,
  provider: name,
  model: name,
  outcome: z.enum(['completed', 'released', 'cancelled', 'unknown', 'charge']),
  estimated: z.boolean(),
  nano: amount,
  tokens: amount,
  calls: amount,
  inputTokens: amount.optional(),
  outputTokens: amount.optional(),
  toolCalls: amount.optional(),
  prompt: text.optional(),
});

const chargeEvent = z.strictObject({
  ...head,
  ...holders,
  type: z.literal('charge'),
  startedAt: moment,
  name,
  nano: amount,
});

const noteEvent = z.strictObject({
  ...head,
  type: z.enum(['denied', 'kill', 'resume']),
  code: name,
  message: text.optional(),
});

/** One event. Checked by itself, so that a bad one does not cost the others of its batch. */
export const wireEvent = z.discriminatedUnion('type', [callEvent, chargeEvent, noteEvent]);

/** POST /v1/ingest, around the events. */
export const ingestRequest = z.strictObject({
  instance: uuid,
  sentAt: moment,
  events: z.array(z.unknown()).max(WIRE_LIMITS.batchEvents),
});

const lease = z
  .strictObject({
    budgetId: uuid,
    leaseId: uuid,
    seq: amount,
    windowStart: moment.nullable(),
    used: amount,
    hold: amount,
    want: amount,
    need: amount,
    maxCallMs: z.int().min(0).max(LONGEST_CALL_MS),
    close: z.boolean(),
  })
  .refine(({ want, need }) => need <= want, { path: ['need'], message: 'is more than want' });

/** POST /v1/leases */
export const leasesRequest = z.strictObject({
  instance: uuid,
  agent: name,
  leases: z.array(lease).max(WIRE_LIMITS.leases),
});

/** As in `windowAt` of core: an offset such as +02:00 is none, since Postgres reads its sign the other way round. */
function isTimeZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
