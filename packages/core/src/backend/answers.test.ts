import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BackendError } from '../wire/backend-error.ts';
import type { ConnectAnswer, ControlMessage, IngestAnswer, LeasesAnswer } from '../wire/index.ts';
import { readConnectAnswer, readControlMessage, readIngestAnswer, readLeasesAnswer } from './answers.ts';

const STATE = { agent: 'bot', killed: true, epoch: 3, reason: 'manual', by: 'ops@example.com' } as const;
const ID = '44444444-4444-4444-8444-444444444444';
const AT = Date.UTC(2026, 0, 1);

const connect: ConnectAnswer = {
  organisation: { id: ID, name: 'Acme', plan: 'free' },
  state: STATE,
  budgets: [
    {
      id: 'daily',
      budgetId: ID,
      limit: 5,
      managedBy: 'code',
      windowStart: AT,
      spent: [{ holder: 'u1', spent: 2 }],
    },
  ],
  realtime: {
    url: 'wss://x.test/realtime/v1',
    apiKey: 'anon',
    token: 'jwt',
    expiresAt: AT,
    topic: `org:${ID}:control`,
  },
  serverTime: AT,
};
const ingest: IngestAnswer = {
  accepted: 2,
  duplicates: 1,
  rejected: [{ index: 0, id: ID, reason: 'invalid', detail: 'no agent' }],
  agents: [STATE],
  budgets: [{ budgetId: ID, windowStart: AT, spent: [{ holder: '', spent: 2 }] }],
  serverTime: AT,
};
const leases: LeasesAnswer = {
  leases: [
    {
      leaseId: ID,
      state: 'open',
      seq: 1,
      granted: 5,
      expiresInMs: 60_000,
      limit: 9,
      spent: 1,
      heldByOthers: 2,
      othersWait: false,
    },
  ],
  state: STATE,
  serverTime: AT,
};
const kill: ControlMessage = { type: 'kill', ...STATE };
const limit: ControlMessage = { type: 'limit', budgetId: ID, limit: 7, managedBy: 'operator' };

const readers: [string, unknown, (value: unknown) => unknown][] = [
  ['connect', connect, readConnectAnswer],
  ['ingest', ingest, readIngestAnswer],
  ['leases', leases, readLeasesAnswer],
  ['kill', kill, readControlMessage],
  ['limit', limit, readControlMessage],
];

type Path = readonly (string | number)[];

/** Every place in a value. */
function placesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Array.isArray(value)
    ? value.flatMap((each, index) => placesOf(each, [...path, index]))
    : Object.entries(value).flatMap(([key, each]) => placesOf(each, [...path, key]));
  return [path, ...inner];
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => Reflect.get(inner as object, key), value);
}

function replaced(value: unknown, path: Path, by: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** Where the contract has `null`. */
const NULLABLE = /(?:^|\.)(?:reason|by|windowStart|realtime|rejected\.\d+\.id)$/;
const isNullable = (name: string, path: Path): boolean =>
  NULLABLE.test(path.join('.')) && !(name === 'ingest' && path.at(-1) === 'reason' && path[0] === 'rejected');

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

describe.each(readers)('%s', (name, valid, read) => {
  it('is taken as it is, and without what the contract does not name', () => {
    expect(read(valid)).toEqual(valid);
    expect(read({ ...(valid as object), more: { of: 'it' } })).toEqual(valid);
  });

  const places = placesOf(valid);
  it.each(places.map((path) => [path.join('.') || '(all)', path] as const))(
    '%s of another type, or left out, is garbage',
    (_shown, path) => {
      const right = at(valid, path);
      fc.assert(
        fc.property(fc.oneof(fc.jsonValue(), fc.constant(undefined)), (wrong) => {
          fc.pre(kindOf(wrong) !== kindOf(right) && !(wrong === null && isNullable(name, path)));
          expect(() => read(replaced(valid, path, wrong))).toThrow(
            expect.objectContaining({ name: 'BackendError', kind: 'garbage' }),
          );
        }),
        { numRuns: 60 },
      );
    },
  );

  it('never lets a number through that is none, whatever it is', () => {
    const odd = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Number.NaN, -0, 1e308, 2 ** 53, -1, 0.5));
    const numbers = places.filter((path) => typeof at(valid, path) === 'number');
    if (numbers.length === 0) return;
    fc.assert(
      fc.property(fc.constantFrom(...numbers), odd, (path, value) => {
        let answer: unknown;
        try {
          answer = read(replaced(valid, path, value));
        } catch (error) {
          expect(error).toBeInstanceOf(BackendError);
          return;
        }
        const isTime = ['serverTime', 'expiresAt', 'expiresInMs'].includes(String(path.at(-1)));
        for (const number of numbersIn(answer)) expect(Number.isFinite(number)).toBe(true);
        if (!isTime) expect(Number.isSafeInteger(at(answer, path))).toBe(true);
        if (path.at(-1) !== 'windowStart') expect(at(answer, path)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is garbage whatever else it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => read(value)).toThrow(BackendError);
      }),
    );
  });
});

it('a kill whose reason this version does not know is a kill', () => {
  const state = { ...STATE, reason: 'solar_flare' };
  expect(readConnectAnswer({ ...connect, state }).state).toEqual({ ...STATE, reason: null });
  expect(readControlMessage({ type: 'kill', ...state })).toMatchObject({ killed: true, reason: null });
  expect(readControlMessage({ type: 'kill', ...state, reason: 'constructor' })).toMatchObject({ reason: null });
});

it('a message that contradicts itself is garbage', () => {
  expect(() => readControlMessage({ ...kill, killed: false })).toThrow(BackendError);
  expect(() => readControlMessage({ ...kill, type: 'resume' })).toThrow(BackendError);
});

it('a lease that is over has nothing left', () => {
  const [lease] = leases.leases;
  expect(readLeasesAnswer({ ...leases, leases: [{ ...lease, expiresInMs: -3.5 }] }).leases[0]!.expiresInMs).toBe(0);
});

it.each(['ws://x.test/realtime/v1', 'https://x.test', 'wss://user:secret@x.test', 'x'])(
  'a token is not sent to %s',
  (url) => {
    expect(() => readConnectAnswer({ ...connect, realtime: { ...connect.realtime, url } })).toThrow(BackendError);
  },
);

it('a token may be sent to this machine', () => {
  const url = 'ws://127.0.0.1:5000/realtime/v1';
  expect(readConnectAnswer({ ...connect, realtime: { ...connect.realtime, url } }).realtime?.url).toBe(url);
});

it('long lists and long names are garbage, long sentences are cut', () => {
  const many = Array.from({ length: 51 }, () => connect.budgets[0]);
  expect(() => readConnectAnswer({ ...connect, budgets: many })).toThrow(BackendError);
  expect(() => readConnectAnswer({ ...connect, state: { ...STATE, agent: 'x'.repeat(201) } })).toThrow(BackendError);
  expect(readConnectAnswer({ ...connect, state: { ...STATE, by: 'x'.repeat(500) } }).state.by).toHaveLength(200);
});
