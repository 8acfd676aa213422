import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { CallRequest } from './call.ts';
import type { KavachOptions } from './config/options.ts';
import type { AgentKavach } from './kavach.ts';
import { byteBound } from './pricing/bound.ts';
import { sharpBound } from './pricing/sharpen.ts';
import { deferred } from './testing/index.ts';
import { meteredGuard, REQUEST } from './testing/metered.ts';

const guardOf = (options: KavachOptions = {}): AgentKavach => meteredGuard({ waitMs: 0, ...options }).guard;

const spend = (guard: AgentKavach, inputTokens = 100, outputTokens = 50): Promise<number> =>
  guard.call(REQUEST, async () => ({ value: 1, usage: { inputTokens, outputTokens } }));

/** What listeners have been told of stops. */
function told(guard: AgentKavach): string[] {
  const all: string[] = [];
  for (const name of ['denied', 'kill', 'threshold'] as const) guard.on(name, () => void all.push(name));
  return all;
}

describe('canStartCall() with a request', () => {
  const inputs = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 30 });
  const cap = fc.option(fc.integer({ min: 1, max: 2_000 }), { nil: undefined });

  it('is false exactly where the call would be refused', async () => {
    const limit = fc.integer({ min: 1_000, max: 30_000 });
    await fc.assert(
      fc.asyncProperty(inputs, limit, cap, fc.boolean(), async (all, tokens, maxOutputTokens, canClampOutput) => {
        const options: KavachOptions[] = [
          { budget: Budget.tokens(tokens, 'total') },
          { budget: Budget.total(tokens / 1e6) },
          { budget: Budget.calls(Math.ceil(tokens / 5_000), 'total') },
          { guardrails: { maxTokensPerRun: tokens } },
          { budget: Budget.tokens(tokens, 'total'), mode: 'soft' },
        ];
        for (const guard of options.map(guardOf)) {
          let next = 0;
          for (const inputTokens of all) {
            next += inputTokens;
            const request = { provider: 'test', model: 'round', inputTokens: next, maxOutputTokens, canClampOutput };
            const foreseen = await guard.canStartCall(request);
            const usage = { inputTokens: next, outputTokens: 1 };
            const isTaken = await guard.call(request, async () => ({ value: true, usage })).catch(() => false);
            expect(foreseen).toBe(isTaken);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('holds nothing, tells nobody and stops nothing', async () => {
    const guard = guardOf({ budget: Budget.tokens(1_000, 'total') });
    const all = told(guard);
    const before = guard.status();
    expect(await guard.canStartCall({ ...REQUEST, inputTokens: 2_000 })).toBe(false);
    expect(await guard.canStartCall({ ...REQUEST, model: 'unheard of' })).toBe(false);
    expect([guard.status(), all]).toEqual([before, []]);
    expect(await spend(guard)).toBe(1);
  });

  it('is false where the conversation has become a loop', async () => {
    const guard = guardOf({ guardrails: { detectLoops: true } });
    const looks = (times: number): CallRequest => ({
      ...REQUEST,
      history: () => Array.from({ length: times }, () => ({ kind: 'tool', name: 'look', args: {}, result: 'nothing' })),
    });
    expect(await guard.canStartCall(looks(3))).toBe(true);
    expect(await guard.canStartCall(looks(4))).toBe(false);
    expect(guard.status().run.stopped).toBeFalsy();
  });

  it('counts the input where that decides', async () => {
    const input = 'The quick brown fox jumps over the lazy dog, and then it rests. '.repeat(100);
    const request = { provider: 'openai', model: 'gpt-4o', input, maxOutputTokens: 100 };
    const bytes = byteBound(input, 'openai');
    // A busy machine may take longer to load the tokenizer than a call would wait for it.
    while ((await sharpBound(input, 'openai', 'gpt-4o')) >= bytes);
    expect(await guardOf({ budget: Budget.tokens(2_000, 'total') }).canStartCall(request)).toBe(true);
    expect(await guardOf({ budget: Budget.tokens(1_000, 'total') }).canStartCall(request)).toBe(false);
  }, 120_000);

  it.each([
    [0, false],
    [1_000, true],
  ])('with waitMs %i and all room held by another call is %s', async (waitMs, expected) => {
    const guard = guardOf({ budget: Budget.tokens(200, 'total'), waitMs });
    const { promise, resolve } = deferred<undefined>();
    const held = guard.call(REQUEST, async () => {
      await promise;
      return { value: 1, usage: { inputTokens: 1, outputTokens: 1 } };
    });
    expect(await guard.canStartCall(REQUEST)).toBe(expected);
    resolve(undefined);
    await held;
    expect(await guard.canStartCall(REQUEST)).toBe(true);
  });

  it('is judged at the price of the model that onThreshold switches to', async () => {
    const guard = guardOf({
      prices: { round: { inputPerMillion: 1, outputPerMillion: 2 }, tenth: { inputPerMillion: 0.1, outputPerMillion: 0.2 } }, // prettier-ignore
      onThreshold: { 0.5: { model: 'tenth' } },
    });
    guard.charge(0.9, 'before');
    const request = { ...REQUEST, inputTokens: 500_000 };
    expect(await guard.canStartCall({ ...request, canSwitchModel: true })).toBe(true);
    vi.spyOn(console, 'warn').mockReturnValueOnce();
    expect(await guard.canStartCall(request)).toBe(false);
  });

  it('rejects what is no request', async () => {
    await expect(guardOf().canStartCall({ provider: 'test' } as CallRequest)).rejects.toThrow('model');
  });
});

describe('canStartCall()', () => {
  it.each(['with a request', 'without one'])(
    '%s is true at the start and false while the agent is stopped',
    async (how) => {
      const guard = guardOf();
      const ask = () => (how === 'without one' ? guard.canStartCall() : guard.canStartCall(REQUEST));
      expect(await ask()).toBe(true);
      guard.kill();
      expect(await ask()).toBe(false);
      guard.resume();
      expect(await ask()).toBe(true);
      await guard.close();
      expect(await ask()).toBe(false);
    },
  );

  it('is false once a budget or a guardrail is used up', async () => {
    for (const options of [
      { budget: Budget.calls(2, 'total') },
      { budget: Budget.tokens(300, 'total') },
      { budget: Budget.tokens(300, 'total'), mode: 'soft' as const },
      { guardrails: { maxCallsPerRun: 2 } },
    ]) {
      const guard = guardOf(options);
      await spend(guard);
      expect(guard.canStartCall()).toBe(true);
      await spend(guard);
      expect(guard.canStartCall()).toBe(false);
    }
  });

  it.each(['with a request', 'without one'])(
    '%s is true under observe, whatever is spent, unless someone stops the agent',
    async (how) => {
      const guard = guardOf({ budget: Budget.tokens(100, 'total'), mode: 'observe' });
      const ask = () => (how === 'without one' ? guard.canStartCall() : guard.canStartCall(REQUEST));
      await spend(guard);
      expect(await ask()).toBe(true);
      guard.kill();
      expect(await ask()).toBe(false);
    },
  );

  it('in passthrough is true', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const { guard } = meteredGuard({ apiKey: 'nonsense' });
    guard.kill();
    expect(guard.canStartCall()).toBe(true);
    expect(await guard.canStartCall(REQUEST)).toBe(true);
    warn.mockRestore();
  });
});
