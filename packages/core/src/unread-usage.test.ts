import { beforeEach, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import { meteredGuard, REQUEST, RESERVED_USD } from './testing/metered.ts';

const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
beforeEach(() => warned.mockClear());

const said = (): string => warned.mock.calls.flat().join('\n');

/** What a call with such a usage is charged. */
async function charged(usage: unknown): Promise<{ usd: number; estimated: boolean }> {
  const { guard, booked } = meteredGuard({ budget: Budget.total(1) });
  expect(await guard.call(REQUEST, () => Promise.resolve({ value: 'kept', usage } as never))).toBe('kept');
  const { usd, estimated } = booked[0] ?? expect.fail('nothing was booked');
  return { usd, estimated };
}

it('names the fields of another framework once, keeps the answer and charges the reservation', async () => {
  const usage = { prompt_tokens: 20, completion_tokens: 1 };
  expect(await charged(usage)).toEqual({ usd: RESERVED_USD, estimated: true });
  expect(said()).toContain('prompt_tokens, completion_tokens, which can');
  expect(said()).toContain('Give { inputTokens, outputTokens }');
  await charged(usage);
  expect(warned).toHaveBeenCalledOnce();
});

it.each([
  [{ inputTokens: '20', outputTokens: Number.NaN }, 'inputTokens as a string, outputTokens as NaN'],
  [{ inputTokens: 20, outputTokens: -1 }, 'outputTokens as -1'],
  [{ inputTokens: 20, completionTokens: 1 }, 'completionTokens'],
  ['twenty', 'a string instead of an object'],
])('names what is wrong in %j', async (usage, words) => {
  expect(await charged(usage)).toMatchObject({ estimated: true });
  expect(said()).toContain(`a call's usage has ${words}, which`);
});

it.each([
  undefined,
  null,
  {},
  { inputTokens: 20 },
  { inputTokens: 20, outputTokens: 1, prompt_tokens: 20 }, // what counts is there
  { inputTokens: 20, outputTokens: 1, cacheReadTokens: -1 },
])('says nothing of %j', async (usage) => {
  await charged(usage);
  expect(warned).not.toHaveBeenCalled();
});

it('repeats neither what stands in a field nor all of a thousand names', async () => {
  const usage = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`sk-${i}`, 'sk-secret']));
  await charged(usage);
  expect(said().length).toBeLessThan(400);
  expect(said()).not.toContain('sk-secret');
});
