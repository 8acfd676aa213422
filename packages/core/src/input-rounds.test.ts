import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { CallRequest } from './call.ts';
import { AgentKavach } from './kavach.ts';

/** How many tokens a request holds, for a model with a window of 1,000. */
function held(request: Partial<CallRequest>): number {
  const prices = { small: { inputPerMillion: 1, outputPerMillion: 1, maxInputTokens: 1_000 } };
  const guard = new AgentKavach({ budget: Budget.tokens(1e9, 'total'), prices });
  void guard.call(
    { provider: 'test', model: 'small', maxOutputTokens: 10, ...request },
    () => new Promise<never>(() => {}),
  );
  return guard.status().budgets[0]!.reserved;
}

describe('inputRounds', () => {
  it.each([
    ['a stated input', { inputTokens: 200, inputRounds: 3 }, 610],
    ['an input as large as the window', { inputTokens: 1_000, inputRounds: 3 }, 3_010],
    ['an input beyond the window, at most the window', { inputTokens: 5_000, inputRounds: 3 }, 3_010],
    ['an input that is not shown', { inputRounds: 3 }, 3_010],
    ['an input, once by default', { inputTokens: 200 }, 210],
  ])('multiplies %s', (_, request, tokens) => {
    expect(held(request)).toBe(tokens);
  });

  it('multiplies the bound of messages', () => {
    const input = [{ role: 'user', content: 'Hello' }];
    expect(held({ input, inputRounds: 4 }) - 10).toBe(4 * (held({ input }) - 10));
  });
});
