import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { UsagePart } from './call.ts';
import { TokenLimitError } from './errors.ts';
import { meteredGuard, REQUEST } from './testing/metered.ts';

const usageWith = (parts: readonly UsagePart[]) => ({ inputTokens: 60, outputTokens: 10, parts });

describe('parts of a usage', () => {
  it.each([
    ['all of them', [{ inputTokens: 20, outputTokens: 5 }, { inputTokens: 3 }], 98],
    ['those of other models', [{ model: 'gpt-4o', inputTokens: 20, outputTokens: 5 }], 95],
    ['no figure that is none', [{ inputTokens: -5, outputTokens: Number.NaN }, { outputTokens: '7' }], 70],
    ['none', [], 70],
  ])('count in token budgets and in the run: %s', async (_, parts, tokens) => {
    const { guard } = meteredGuard({ budget: Budget.tokens(1_000, 'total') });
    await guard.call(REQUEST, async () => ({ value: 1, usage: usageWith(parts as UsagePart[]) }));
    expect(guard.status()).toMatchObject({ budgets: [{ spent: tokens, reserved: 0 }], run: { tokens } });
  });

  it('reach maxTokensPerRun', async () => {
    const { guard } = meteredGuard({ guardrails: { maxTokensPerRun: 100 } });
    const usage = usageWith([{ inputTokens: 20, outputTokens: 10 }]);
    await guard.call(REQUEST, async () => ({ value: 1, usage }));
    await expect(guard.call(REQUEST, async () => ({ value: 1 }))).rejects.toBeInstanceOf(TokenLimitError);
  });

  it('reach the limit of a token budget', async () => {
    const { guard } = meteredGuard({ budget: Budget.tokens(150, 'total') });
    const usage = usageWith([{ inputTokens: 70, outputTokens: 10 }]);
    await guard.call(REQUEST, async () => ({ value: 1, usage }));
    expect(guard.status()).toMatchObject({ killed: true, kill: { reason: 'tokens' } });
  });
});
