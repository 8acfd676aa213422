import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { CallRequest, StreamResult } from './call.ts';
import { checkRequest } from './check-request.ts';
import { ConfigError } from './errors.ts';
import { expectSettled, meteredGuard, REQUEST, RESERVED_USD } from './testing/metered.ts';

const check =
  (fields: object): (() => void) =>
  () =>
    checkRequest({ ...REQUEST, ...fields });
const KEY = 'k'.repeat(40);

describe('a request', () => {
  it.each([
    ['messages', 'input'],
    ['prompt', 'input'],
    ['contents', 'input'],
    ['maxTokens', 'maxOutputTokens'],
    ['max_tokens', 'maxOutputTokens'],
    ['max_completion_tokens', 'maxOutputTokens'],
    ['n', 'candidates'],
    ['abortSignal', 'signal'],
  ])('with %s is told to write %s', (field, meant) => {
    expect(check({ [field]: [] })).toThrow(ConfigError);
    expect(check({ [field]: [] })).toThrow(`Unknown field request.${field}. Did you mean ${meant}?`);
  });

  it('with any other unknown field is told which are known', () => {
    expect(check({ temperature: 1 })).toThrow(/request\.temperature\. Known: provider, model, address, input/);
  });

  it.each([
    ['toolCalls.search', { toolCalls: { search: Number.NaN } }],
    ['toolCalls.search', { toolCalls: { search: '10' } }],
    ['toolCalls.search', { toolCalls: { search: -1 } }],
    ['serviceTier', { serviceTier: 5 }],
    ['kind', { kind: 'bogus' }],
    ['cacheWrite', { cacheWrite: 'bogus' }],
    ['model', { model: Object.create(null) as unknown }],
    ['model', { model: '' }],
    ['provider', { provider: 5 }],
    ['inputTokens', { inputTokens: Number.NaN }],
    ['inputRounds', { inputRounds: 0 }],
    ['candidates', { candidates: 0 }],
    ['signal', { signal: {} }],
  ])('names what is wrong: %s in %j', (path, fields) => {
    expect(check(fields)).toThrow(ConfigError);
    expect(check(fields)).toThrow(`request.${path} must be`);
    expect(check(fields)).toThrow(expect.objectContaining({ path }) as Error);
  });

  it.each(['provider', 'model', 'maxOutputTokens', 'inputTokens', 'kind', 'serviceTier', 'signal'])(
    'never shows what may be a secret: in %s',
    (field) => {
      const value = field === 'provider' || field === 'model' || field === 'serviceTier' ? KEY.repeat(13) : KEY;
      expect(check({ [field]: value })).toThrow(`got a text of ${value.length} characters.`);
      expect(check({ [field]: value })).not.toThrow(KEY);
    },
  );

  it.each([undefined, null, 'gpt-4o', 5])('that is none says so: %s', (request) => {
    expect(() => checkRequest(request as unknown as CallRequest)).toThrow(/request must be an object such as/);
  });

  it('that is right passes', () => {
    const fields = { toolCalls: { search: 3 }, serviceTier: 'flex', kind: 'text', cacheWrite: '1h', inputRounds: 2 };
    expect(check({ ...fields, signal: new AbortController().signal })).not.toThrow();
  });
});

describe('a callback', () => {
  const budget = [Budget.total(1), Budget.calls(9, 'total')];

  it.each(['call', 'stream'] as const)('that is missing costs nothing: guard.%s()', async (method) => {
    const { guard, booked } = meteredGuard({ budget });
    const call = guard[method] as unknown as (request: CallRequest) => Promise<unknown>;
    await expect(call.call(guard, REQUEST)).rejects.toThrow(/execute must be a function/);
    expectSettled(guard, booked, 0);
    expect(guard.status().run.calls).toBe(0);
  });

  it.each(['a text', 5, true])('that returns %j is told what to return, and is charged whole', async (answer) => {
    const { guard, booked } = meteredGuard({ budget });
    const call = guard.call(REQUEST, () => Promise.resolve(answer as unknown as { value: number }));
    await expect(call).rejects.toThrow(/must return \{ value, usage \}/);
    await expect(call).rejects.toBeInstanceOf(ConfigError);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: RESERVED_USD, estimated: true });
    expect(guard.status().run.calls).toBe(1);
  });

  it.each([undefined, null, 'a text', {}, { stream: 5 }, { stream: [1, 2] }])(
    'that returns %j for a stream is told what to return, and is charged whole',
    async (answer) => {
      const { guard, booked } = meteredGuard({ budget });
      const result = typeof answer === 'object' && answer !== null ? { meter: () => undefined, ...answer } : answer;
      const stream = guard.stream(REQUEST, () => Promise.resolve(result as unknown as StreamResult<unknown>));
      await expect(stream).rejects.toThrow(/must return \{ stream, meter \}, and stream must be a ReadableStream/);
      await expect(stream).rejects.toBeInstanceOf(ConfigError);
      expectSettled(guard, booked, 1);
      expect(booked[0]).toMatchObject({ usd: RESERVED_USD, estimated: true });
    },
  );

  it('that streams without a meter is told so, and is charged whole', async () => {
    const { guard, booked } = meteredGuard({ budget });
    const result = { stream: new ReadableStream() } as unknown as StreamResult<unknown>;
    const stream = guard.stream(REQUEST, async () => result);
    await expect(stream).rejects.toThrow(/meter must be a function, got undefined/);
    await expect(stream).rejects.toBeInstanceOf(ConfigError);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: RESERVED_USD, estimated: true });
  });
});
