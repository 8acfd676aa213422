import { beforeAll, describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { CallRequest, CallResult } from './call.ts';
import { BudgetExceededError } from './errors.ts';
import { AgentKavach } from './kavach.ts';
import { byteBound } from './pricing/bound.ts';
import { sharpBound } from './pricing/sharpen.ts';
import { deferred } from './testing/index.ts';

// 25,600 characters are about 5,600 tokens. At $18 per million they cost 10 cents; by bytes it would be 46, by length more.
const essay = 'The quick brown fox jumps over the lazy dog, and then it rests. '.repeat(400);
const prices = { 'gpt-4o': { inputPerMillion: 18, outputPerMillion: 18 } };
const request: CallRequest = { provider: 'openai', model: 'gpt-4o', input: essay, maxOutputTokens: 500 };
const usage = { inputTokens: 5_600, outputTokens: 100 };

// A busy machine may take longer to load the tokenizer than a call would wait for it.
beforeAll(async () => {
  const bytes = byteBound(essay, 'openai');
  while ((await sharpBound(essay, 'openai', 'gpt-4o')) >= bytes);
}, 120_000);

describe('a prompt that is over-estimated by its bytes', () => {
  it('is counted by a tokenizer when that decides, and goes through', async () => {
    const guard = new AgentKavach({ budget: Budget.total(0.2), prices, waitMs: 0 });
    let reserved = 0;
    await guard.call(request, async () => {
      reserved = guard.status().budgets[0]!.reserved;
      return { value: 'done', usage };
    });
    expect(reserved).toBeGreaterThanOrEqual(5_700 * 18e-6);
    expect(reserved).toBeLessThan(0.2);
  });

  it('is still refused when its tokens do not fit either; that is the 100 % event', async () => {
    const guard = new AgentKavach({ budget: Budget.total(0.1), prices, waitMs: 0 });
    const answer = guard.call(request, async () => ({ value: 1 }));
    await expect(answer).rejects.toThrow(BudgetExceededError);
    expect(guard.status().killed).toBe(true);
  });

  it('is refused without the advice to install a tokenizer, which is there', async () => {
    const guard = new AgentKavach({ budget: Budget.total(0.1), prices, waitMs: 0 });
    // The second has too long an answer for any count of its input to decide.
    for (const one of [request, { ...request, maxOutputTokens: 6_000 }]) {
      const error = await guard.call(one, async () => ({ value: 1 })).catch((thrown: unknown) => thrown);
      expect(String(error)).toContain('Its input is bounded at');
      expect(String(error)).not.toContain('gpt-tokenizer');
      guard.resume();
    }
  });

  it('is refused by a kill that came while it was counted', async () => {
    const guard = new AgentKavach({ budget: Budget.total(0.2), prices, waitMs: 0 });
    let sent = false;
    const answer = guard.call(request, async () => ({ value: (sent = true) }));
    guard.kill();
    await expect(answer).rejects.toMatchObject({ code: 'KAVACH_KILLED' });
    expect(sent).toBe(false);
  });

  it('ends with the reason when its user aborts while it is counted', async () => {
    const guard = new AgentKavach({ budget: Budget.total(0.2), prices, waitMs: 0 });
    const controller = new AbortController();
    const answer = guard.call({ ...request, signal: controller.signal }, async () => ({ value: 1 }));
    const reason = new Error('user left');
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0, reserved: 0 });
  });

  it('waits with its sharp bound when others hold the room', async () => {
    const guard = new AgentKavach({ budget: Budget.total(0.2), prices });
    const finish = deferred<CallResult<number>>();
    const first = guard.call(request, () => finish.promise);
    const second = guard.call(request, async () => ({ value: 2, usage: { inputTokens: 10, outputTokens: 10 } }));
    while (guard.status().inFlight === 0) await sharpBound(essay, 'openai', 'gpt-4o');
    guard.setLimit('total', 0.25);
    finish.resolve({ value: 1, usage });
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  it('is not reported under observe when its tokens would have fitted', async () => {
    const denials: string[] = [];
    for (const limit of [0.2, 0.05]) {
      const guard = new AgentKavach({ budget: Budget.total(limit), mode: 'observe', prices });
      guard.on('denied', ({ error }) => denials.push(`${limit} ${error.code}`));
      await guard.call(request, async () => ({ value: 1, usage: { inputTokens: 10, outputTokens: 10 } }));
      await guard.flush();
    }
    expect(denials).toEqual(['0.05 KAVACH_BUDGET_EXCEEDED']);
  });

  it('keeps its place in the order of arrival while it is counted', async () => {
    const guard = new AgentKavach({ budget: Budget.total(0.2), prices });
    const order: string[] = [];
    const ask = (name: string, next: Partial<CallRequest>): Promise<void> =>
      guard.call({ ...request, ...next }, async () => {
        order.push(name);
        await first.promise;
        return { value: undefined, usage: { inputTokens: 0, outputTokens: 0 } };
      });
    const first = deferred<boolean>();
    const calls = [
      ask('first', { input: undefined, inputTokens: 10_000 }),
      ask('counted', { maxOutputTokens: 4_000 }),
      ask('known', { input: undefined, inputTokens: 10_000 }),
    ];
    // Counted by now: a call of its own that asks for the same count has its answer.
    await sharpBound(essay, 'openai', 'gpt-4o');
    await guard.canStartCall({ ...request, maxOutputTokens: 4_000 });
    first.resolve(true);
    await Promise.all(calls);
    expect(order).toEqual(['first', 'counted', 'known']);
  });
});
