import type { ConnectRequest, IngestRequest, LeasesRequest, WireEvent } from '@agentkavach/core/wire';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { connectRequest, ingestRequest, leasesRequest, wireEvent } from './schema.ts';

/** The contract is read-only, what a schema makes is not. */
type Writable<T> = T extends readonly (infer Item)[]
  ? Writable<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Writable<T[Key]> }
    : T;

const ID = 'c0ffee00-0000-4000-8000-000000000001';
const CALL = {
  type: 'call',
  id: ID,
  agent: 'bot',
  runId: 'r1',
  at: 2_000,
  startedAt: 1_000,
  provider: 'openai',
  model: 'gpt-4o',
  outcome: 'completed',
  estimated: false,
  nano: 1_500,
  tokens: 30,
  calls: 1,
};
const CHARGE = {
  type: 'charge',
  id: ID,
  agent: 'bot',
  runId: 'r1',
  at: 2_000,
  startedAt: 1_000,
  name: 'serp',
  nano: 10,
};
const NOTE = { type: 'denied', id: ID, agent: 'bot', runId: 'r1', at: 2_000, code: 'KAVACH_BUDGET_EXCEEDED' };
const BUDGET = { id: 'daily', scope: 'agent', name: null, unit: 'usd', period: 'daily', timeZone: 'UTC', limit: 1 };
const LEASE = {
  budgetId: ID,
  leaseId: ID,
  seq: 1,
  windowStart: null,
  used: 0,
  hold: 0,
  want: 10,
  need: 5,
  maxCallMs: 600_000,
  close: false,
};

const firstFault = (schema: z.ZodType, value: unknown) => {
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  return issue && [issue.path.join('.'), issue.message];
};

describe('the schemas', () => {
  it('have the types of the wire contract', () => {
    expectTypeOf<z.output<typeof connectRequest>>().toEqualTypeOf<Writable<ConnectRequest>>();
    expectTypeOf<z.output<typeof leasesRequest>>().toEqualTypeOf<Writable<LeasesRequest>>();
    expectTypeOf<z.output<typeof wireEvent>>().toEqualTypeOf<Writable<WireEvent>>();
    // Events are checked one by one.
    expectTypeOf<Omit<z.output<typeof ingestRequest>, 'events'>>().toEqualTypeOf<
      Writable<Omit<IngestRequest, 'events'>>
    >();
  });
});

describe('an event', () => {
  it.each([CALL, CHARGE, NOTE, { ...NOTE, type: 'kill' }, { ...NOTE, type: 'resume', message: '' }])(
    'passes: %o',
    (event) => {
      expect(wireEvent.parse(event)).toEqual(event);
    },
  );

  it('passes with all that is optional', () => {
    const event = {
      ...CALL,
      user: 'u',
      tags: ['a', 'b'],
      inputTokens: 10,
      outputTokens: 20,
      toolCalls: 0,
      prompt: 'Hi',
    };
    expect(wireEvent.parse(event)).toEqual(event);
  });

  it('passes with names that are SQL, HTML or emoji', () => {
    const agent = `'); drop table kavach.agents; -- <script> 🧨`;
    expect(wireEvent.parse({ ...CALL, agent })).toMatchObject({ agent });
  });

  it('has half a character at the end of a prompt mended', () => {
    expect(wireEvent.parse({ ...CALL, prompt: '🧨'.slice(0, 1) })).toMatchObject({ prompt: '\uFFFD' });
  });

  it.each([
    ['an unknown field', { ...CALL, costUsd: 1 }, '', 'Unrecognized key: "costUsd"'],
    ['a field of another type', { ...NOTE, nano: 1 }, '', 'Unrecognized key: "nano"'],
    ['a negative cost', { ...CALL, nano: -1 }, 'nano', 'Too small'],
    ['a fraction', { ...CALL, nano: 0.5 }, 'nano', 'expected int'],
    ['NaN', { ...CALL, nano: NaN }, 'nano', 'expected number'],
    ['infinity', { ...CALL, nano: Infinity }, 'nano', 'expected number'],
    ['a cost that is no longer exact', { ...CALL, nano: 2 ** 53 }, 'nano', 'Too big'],
    ['a cost as text', { ...CALL, nano: '1' }, 'nano', 'expected number'],
    ['negative tokens', { ...CALL, inputTokens: -1 }, 'inputTokens', 'Too small'],
    ['null where nothing is meant', { ...CALL, user: null }, 'user', 'expected string'],
    ['an id that is no UUID', { ...CALL, id: 'abc' }, 'id', 'Invalid UUID'],
    ['a time behind the last', { ...CALL, at: 9e15 }, 'at', 'Too big'],
    ['a time in seconds before 1970', { ...CALL, startedAt: -1 }, 'startedAt', 'Too small'],
    ['an empty name', { ...CALL, agent: '' }, 'agent', 'Too small'],
    ['a long name', { ...CALL, model: 'm'.repeat(201) }, 'model', 'Too big'],
    ['NUL in a name', { ...CALL, agent: 'a\0b' }, 'agent', 'NUL'],
    ['half a character in a name', { ...CALL, user: '\ud800' }, 'user', 'half of a surrogate pair'],
    ['NUL in a prompt', { ...CALL, prompt: 'a\0b' }, 'prompt', 'NUL'],
    ['NUL in a tag', { ...CALL, tags: ['\0'] }, 'tags.0', 'NUL'],
    ['too many tags', { ...CALL, tags: Array(33).fill('a') }, 'tags', 'Too big'],
    ['a long prompt', { ...CALL, prompt: 'p'.repeat(2_049) }, 'prompt', 'Too big'],
    ['another outcome', { ...CALL, outcome: 'fine' }, 'outcome', 'Invalid option'],
    ['another type', { ...CALL, type: 'spend' }, 'type', 'Invalid'],
    ['no type', { ...CALL, type: undefined }, 'type', 'Invalid'],
    ['no object', 7, '', 'expected object'],
    ['null', null, '', 'expected object'],
  ])('is refused for %s', (_, event, path, message) => {
    expect(firstFault(wireEvent, event)).toEqual([path, expect.stringContaining(message)]);
  });

  it('is not fooled by names that every object has', () => {
    const event: unknown = JSON.parse(`{"__proto__":{"agent":"x"},"constructor":1,"type":"call"}`);
    expect(wireEvent.safeParse(event).success).toBe(false);
  });
});

describe('a connect request', () => {
  const request = { sdk: '0.1.0', instance: ID, agent: 'bot', budgets: [BUDGET] };

  it('passes', () => {
    expect(connectRequest.parse(request)).toEqual(request);
    expect(connectRequest.parse({ ...request, budgets: [] })).toMatchObject({ budgets: [] });
  });

  it.each([
    ['two budgets with one id', { ...request, budgets: [BUDGET, BUDGET] }, 'budgets', 'same id'],
    ['too many budgets', { ...request, budgets: Array(51).fill(BUDGET) }, 'budgets', 'Too big'],
    [
      'a pool without a name',
      { ...request, budgets: [{ ...BUDGET, scope: 'shared' }] },
      'budgets.0.name',
      'names the pool',
    ],
    ['an offset as a zone', { ...request, budgets: [{ ...BUDGET, timeZone: '+02:00' }] }, 'budgets.0.timeZone', 'IANA'],
    [
      'a zone that is none',
      { ...request, budgets: [{ ...BUDGET, timeZone: 'Mars/Crater' }] },
      'budgets.0.timeZone',
      'IANA',
    ],
    ['a limit of nothing', { ...request, budgets: [{ ...BUDGET, limit: 0 }] }, 'budgets.0.limit', 'Too small'],
    ['an unknown field', { ...request, host: 'x' }, '', 'Unrecognized key: "host"'],
  ])('is refused for %s', (_, value, path, message) => {
    expect(firstFault(connectRequest, value)).toEqual([path, expect.stringContaining(message)]);
  });
});

describe('a leases request', () => {
  const request = { instance: ID, agent: 'bot', leases: [LEASE] };

  it('passes', () => {
    expect(leasesRequest.parse(request)).toEqual(request);
  });

  it.each([
    ['more needed than wanted', { ...LEASE, need: 11 }, 'leases.0.need', 'is more than want'],
    ['calls of days', { ...LEASE, maxCallMs: 86_400_001 }, 'leases.0.maxCallMs', 'Too big'],
    ['negative use', { ...LEASE, used: -1 }, 'leases.0.used', 'Too small'],
    ['no window', { ...LEASE, windowStart: undefined }, 'leases.0.windowStart', 'expected number'],
  ])('is refused for %s', (_, lease, path, message) => {
    expect(firstFault(leasesRequest, { ...request, leases: [lease] })).toEqual([
      path,
      expect.stringContaining(message),
    ]);
  });

  it('is refused for too many leases', () => {
    expect(firstFault(leasesRequest, { ...request, leases: Array(51).fill(LEASE) })?.[0]).toBe('leases');
  });
});

describe('an ingest request', () => {
  it('passes whatever its events are', () => {
    const request = { instance: ID, sentAt: 1, events: [1, null, CALL] };
    expect(ingestRequest.parse(request)).toEqual(request);
  });

  it('is refused for too many events', () => {
    const request = { instance: ID, sentAt: 1, events: Array(10_000).fill(CALL) };
    expect(firstFault(ingestRequest, request)).toEqual(['events', expect.stringContaining('<=1000')]);
  });
});
