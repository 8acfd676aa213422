import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import { BudgetExceededError, UnknownModelError } from './errors.ts';
import { AgentKavach } from './kavach.ts';
import { FakeProvider, guardFixture } from './testing/index.ts';

/** Of the fake provider: 1,000 tokens cost one dollar. */
const clamp = { canClampOutput: true } as const;
const now = { waitMs: 0 } as const;

describe('a call that fits', () => {
  it('holds its worst case until it ends, then costs what it used', async () => {
    const { guard, ask, provider } = guardFixture({ budget: Budget.total(1) });
    const answer = ask({ inputTokens: 100, maxOutputTokens: 300 });
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0, reserved: 0.4, remaining: 0.6 });
    expect(provider.pending[0]!.grant.maxOutputTokens).toBe(300);
    provider.pending[0]!.answer(100, 50);
    await answer;
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0.15, reserved: 0, remaining: 0.85 });
  });

  it('may take the last nano-dollar', async () => {
    const { guard, ask, provider } = guardFixture({ budget: Budget.total(0.4) });
    const answer = ask({ inputTokens: 100, maxOutputTokens: 300 });
    provider.pending[0]!.answer(100, 300);
    await answer;
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0.4, remaining: 0 });
  });

  it('takes its reservation before the first await', () => {
    const { guard, ask } = guardFixture({ budget: Budget.total(1), ...now });
    void ask({ maxOutputTokens: 300 });
    expect(guard.status().budgets[0]!.reserved).toBe(0.4);
  });

  it('without a cap holds the model maximum where the cap can not be set, 4,096 where that is not known', async () => {
    const provider = new FakeProvider();
    const prices = { [provider.model]: { ...provider.price, maxOutputTokens: 2_000 } };
    const known = guardFixture({ budget: Budget.total(100), prices }, { provider });
    void known.ask();
    expect(known.guard.status().budgets[0]!.reserved).toBe(2.1);
    expect(provider.pending[0]!.grant.maxOutputTokens).toBeUndefined();
    const unknown = guardFixture({ budget: Budget.total(100) });
    void unknown.ask();
    expect(unknown.guard.status().budgets[0]!.reserved).toBe(4.196);
  });

  it('holds what the provider may add to the cap, and every answer asked for', () => {
    const { guard, ask } = guardFixture({ budget: Budget.total(100) });
    void ask({ inputTokens: 100, maxOutputTokens: 300, extraOutputTokens: 50, candidates: 3 });
    expect(guard.status().budgets[0]!.reserved).toBe(1.15);
  });

  it('holds a stated input that is larger than any known window', () => {
    const { guard, ask } = guardFixture({ budget: Budget.total(10_000) });
    void ask({ inputTokens: 3_000_000, maxOutputTokens: 1 });
    expect(guard.status().budgets[0]!.reserved).toBe(3_000.001);
  });
});

describe('a call that does not fit', () => {
  it('gets a lower output cap, as large as fits', () => {
    const { guard, ask, provider } = guardFixture({ budget: Budget.total(1), ...now });
    void ask({ inputTokens: 100, maxOutputTokens: 5_000, ...clamp });
    expect(provider.pending[0]!.grant.maxOutputTokens).toBe(900);
    expect(guard.status().budgets[0]!.remaining).toBe(0);
  });

  it.each([
    [356, 256],
    [355, undefined],
  ])('with room for %d tokens in all gets a cap of %s: minOutputTokens is the floor', async (room, cap) => {
    const { ask, provider } = guardFixture({ budget: Budget.total(room / 1_000), ...now });
    const answer = ask({ inputTokens: 100, maxOutputTokens: 5_000, ...clamp });
    if (cap === undefined) await expect(answer).rejects.toThrow(BudgetExceededError);
    expect(provider.pending[0]?.grant.maxOutputTokens).toBe(cap);
  });

  it('is never given less than the caller asked for, where that is below the floor', async () => {
    const { ask, provider } = guardFixture({ budget: Budget.total(0.15), ...now });
    await expect(ask({ inputTokens: 100, maxOutputTokens: 60, ...clamp })).rejects.toThrow(BudgetExceededError);
    void ask({ inputTokens: 100, maxOutputTokens: 50, ...clamp }).catch(() => undefined);
    expect(provider.requests).toBe(0); // the first refusal was the 100 % event
  });

  it('keeps its cap where the adapter can not lower it, and is refused', async () => {
    const { ask, provider } = guardFixture({ budget: Budget.total(1), ...now });
    await expect(ask({ inputTokens: 100, maxOutputTokens: 901 })).rejects.toThrow(BudgetExceededError);
    expect(provider.requests).toBe(0);
  });

  it('says the scope and all figures, in dollars, and can be read from JSON', async () => {
    const { ask } = guardFixture({ agentName: 'bot', budget: Budget.daily(1), ...now });
    const error = await ask({ inputTokens: 100, maxOutputTokens: 1_400 }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ scope: 'agent', budgetId: 'daily', period: 'daily', unit: 'usd' });
    expect(error).toMatchObject({ limit: 1, spent: 0, reserved: 0, requested: 1.5 });
    expect(error).toMatchObject({ resetsAt: '2026-01-02T00:00:00.000Z', retryable: false });
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ name: 'BudgetExceededError', requested: 1.5 });
    expect(String(error)).toMatch(/bot.*limit \$1\.00.*\$1\.50.*Nothing was sent/);
  });

  it('gets the largest cap that fits, whatever the rates, room and input', () => {
    const whole = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(
        whole(5_000),
        whole(5_000),
        whole(100_000),
        whole(3_000_000),
        (inputNano, outputNano, input, limit) => {
          const provider = new FakeProvider({ inputNano, outputNano });
          const budget = Budget.total(limit / 1e6);
          const { guard, ask } = guardFixture({ budget, ...now, minOutputTokens: 1 }, { provider });
          ask({ inputTokens: input, maxOutputTokens: 1_000_000, ...clamp }).catch(() => undefined);
          const room = limit * 1_000 - input * inputNano;
          const fits = Math.min(1_000_000, Math.floor(room / outputNano));
          expect(provider.pending[0]?.grant.maxOutputTokens).toBe(fits >= 1 ? fits : undefined);
          expect(guard.status().budgets[0]!.reserved).toBe(
            fits >= 1 ? (input * inputNano + fits * outputNano) / 1e9 : 0,
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a call without its own cap', () => {
  it('a $1 budget still runs eight calls at once', () => {
    const provider = new FakeProvider({ inputNano: 1_000, outputNano: 10_000 });
    const prices = { [provider.model]: { ...provider.price, maxOutputTokens: 64_000 } };
    const { ask } = guardFixture({ budget: Budget.total(1), prices, ...now }, { provider });
    for (let i = 0; i < 8; i++) void ask({ inputTokens: 1_000, ...clamp });
    expect(provider.requests).toBe(8);
    const caps = provider.pending.map(({ grant }) => grant.maxOutputTokens);
    expect(caps[0]).toBe(12_500);
    expect(Math.min(...(caps as number[]))).toBeGreaterThan(4_000);
  });

  it('meets no cap below the model maximum while there is money', () => {
    const provider = new FakeProvider();
    const prices = { [provider.model]: { ...provider.price, maxOutputTokens: 4_000 } };
    const { ask } = guardFixture({ budget: Budget.total(100), prices }, { provider });
    void ask({ ...clamp });
    expect(provider.pending[0]!.grant.maxOutputTokens).toBe(4_000);
  });

  it('holds outputShare of what remains, and no less than minOutputTokens', () => {
    const { ask, provider } = guardFixture({ budget: Budget.total(8), outputShare: 1 / 4, ...now });
    void ask({ ...clamp });
    void ask({ ...clamp });
    // A quarter of $8.00, then a quarter of what the first call left: $5.90.
    expect(provider.pending.map(({ grant }) => grant.maxOutputTokens)).toEqual([2_000, 1_475]);
    const small = guardFixture({ budget: Budget.total(1), ...now });
    void small.ask({ ...clamp });
    expect(small.provider.pending[0]!.grant.maxOutputTokens).toBe(256);
  });
});

describe('a model without a known price', () => {
  const request = { provider: 'acme', model: 'acme-9', inputTokens: 1_000, maxOutputTokens: 1_000 } as const;
  const used = { inputTokens: 1_000, outputTokens: 1_000 };

  it('is refused by default: nothing is sent', async () => {
    const guard = new AgentKavach({ budget: Budget.total(1) });
    let sent = false;
    const answer = guard.call(request, async () => ({ value: (sent = true) }));
    await expect(answer).rejects.toMatchObject({ code: 'KAVACH_UNKNOWN_MODEL', provider: 'acme', model: 'acme-9' });
    await expect(answer).rejects.toThrow(UnknownModelError);
    expect(sent).toBe(false);
  });

  it('is priced at the ceiling: at least $10 and $50 per million', async () => {
    const guard = new AgentKavach({ budget: Budget.total(10), onUnknownModel: 'ceiling' });
    await guard.call(request, async () => ({ value: 1, usage: used }));
    expect(guard.status().budgets[0]!.spent).toBeGreaterThanOrEqual(0.06);
  });

  it('is priced as told', async () => {
    const rule = { inputPerMillion: 2, outputPerMillion: 4 };
    const guard = new AgentKavach({ budget: Budget.total(10), onUnknownModel: rule });
    await guard.call(request, async () => ({ value: 1, usage: used }));
    expect(guard.status().budgets[0]!.spent).toBe(0.006);
  });

  it('is priced by prices first; they go before the catalog too', async () => {
    const price = { inputPerMillion: 1, outputPerMillion: 1 };
    const guard = new AgentKavach({ budget: Budget.total(10), prices: { 'acme/acme-9': price, 'gpt-4o': price } });
    await guard.call(request, async () => ({ value: 1, usage: used }));
    await guard.call({ ...request, provider: 'openai', model: 'gpt-4o' }, async () => ({ value: 1, usage: used }));
    expect(guard.status().budgets[0]!.spent).toBe(0.004);
  });
});
