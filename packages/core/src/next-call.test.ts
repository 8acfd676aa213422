import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { KavachOptions } from './config/options.ts';
import type { AgentKavach } from './kavach.ts';
import { meteredGuard, REQUEST } from './testing/metered.ts';

const LOOP = { provider: 'test', model: 'round', canClampOutput: true } as const;

/** A loop whose calls carry on from each other, until canStartCall() says no. @returns how many calls it made */
async function loop(guard: AgentKavach, start: number, outputs: readonly number[], model = 'round'): Promise<number> {
  let input = start;
  let calls = 0;
  for (const wanted of outputs) {
    if (!guard.canStartCall()) break;
    await guard.call({ ...LOOP, model, inputTokens: input }, async ({ maxOutputTokens = 0 }) => {
      const output = Math.min(wanted, maxOutputTokens);
      const usage = { inputTokens: input, outputTokens: output };
      input += output;
      return { value: 1, usage };
    });
    calls += 1;
  }
  return calls;
}

const outputs = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 60 });
const start = fc.integer({ min: 1, max: 3_000 });

describe('canStartCall() in a loop with growing input', () => {
  const guardOf = (options: KavachOptions): AgentKavach => meteredGuard({ waitMs: 0, ...options }).guard;

  it('is false before the call that would be refused', async () => {
    const limit = fc.integer({ min: 5_000, max: 100_000 });
    await fc.assert(
      fc.asyncProperty(start, outputs, limit, async (first, all, tokens) => {
        await loop(guardOf({ budget: Budget.tokens(tokens, 'total') }), first, all); // rejects where a call is refused
        await loop(guardOf({ budget: Budget.total(tokens / 1e6) }), first, all);
        await loop(guardOf({ guardrails: { maxTokensPerRun: tokens } }), first, all);
      }),
      { numRuns: 60 },
    );
  });

  it('is false before the last call of a calls budget and of maxCallsPerRun', async () => {
    const all = Array.from({ length: 20 }, () => 10);
    expect(await loop(guardOf({ budget: Budget.calls(7, 'total') }), 10, all)).toBe(7);
    expect(await loop(guardOf({ guardrails: { maxCallsPerRun: 7 } }), 10, all)).toBe(7);
  });

  it('is true while there is room', async () => {
    const all = Array.from({ length: 20 }, () => 10);
    expect(await loop(guardOf({ budget: Budget.tokens(1_000_000, 'total') }), 10, all)).toBe(20);
  });

  it('is judged from the last call, not from a small one before it', async () => {
    const guard = guardOf({ budget: Budget.tokens(4_000, 'total') });
    expect(guard.canStartCall()).toBe(true);
    expect(await loop(guard, 1_500, [1])).toBe(1);
    expect(guard.canStartCall()).toBe(false); // 1,501 are spent, and the next carries on from them
  });
});

describe('canStartCall()', () => {
  const spend = (guard: AgentKavach): Promise<number> =>
    guard.call(REQUEST, async () => ({ value: 1, usage: { inputTokens: 100, outputTokens: 50 } }));

  it('is true at the start and false while the agent is stopped', () => {
    const { guard } = meteredGuard();
    expect(guard.canStartCall()).toBe(true);
    guard.kill();
    expect(guard.canStartCall()).toBe(false);
    guard.resume();
    expect(guard.canStartCall()).toBe(true);
  });

  it('is false once the guard is closed', async () => {
    const { guard } = meteredGuard();
    await guard.close();
    expect(guard.canStartCall()).toBe(false);
  });

  it('under soft is true until the limit is spent', async () => {
    const { guard } = meteredGuard({ budget: Budget.tokens(300, 'total'), mode: 'soft' });
    await spend(guard);
    expect(guard.canStartCall()).toBe(true);
    await spend(guard);
    expect(guard.canStartCall()).toBe(false);
  });

  it('under observe is true, whatever is spent, unless someone stops the agent', async () => {
    const { guard } = meteredGuard({ budget: Budget.tokens(100, 'total'), mode: 'observe' });
    await spend(guard);
    expect(guard.canStartCall()).toBe(true);
    guard.kill();
    expect(guard.canStartCall()).toBe(false);
  });

  it('in passthrough is true', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const { guard } = meteredGuard({ apiKey: 'nonsense' });
    guard.kill();
    expect(guard.canStartCall()).toBe(true);
    warn.mockRestore();
  });
});
