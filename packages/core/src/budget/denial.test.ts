import { describe, expect, it } from 'vitest';
import type { CallRequest } from '../call.ts';
import { guardFixture } from '../testing/index.ts';
import { Budget } from './budget.ts';

/** What the refusal of a call says, while another holds so many tokens. */
async function refusal(budget: Budget, request: Partial<CallRequest>, held = 0, options = {}): Promise<string> {
  const { ask } = guardFixture({ budget, waitMs: 0, ...options });
  if (held > 0) void ask({ inputTokens: 0, maxOutputTokens: held });
  const error: unknown = await ask(request).catch((thrown: unknown) => thrown);
  return (error as Error).message;
}

describe('the advice of a refusal', () => {
  it('names resume() where the budget has stopped its agent', async () => {
    const { ask, guard } = guardFixture({ budget: Budget.daily(1), waitMs: 0 });
    guard.charge(1, 'tool');
    const closed = expect(ask({ maxOutputTokens: 5 })).rejects;
    await closed.toThrow(/has stopped the agent for this window.*setLimit\('daily', …\) or call guard\.resume\(\)\.$/);
  });

  it('does not speak of output where calls are counted', async () => {
    const { ask, guard, provider } = guardFixture({ budget: Budget.calls(1, 'daily'), waitMs: 0 });
    const first = ask({ maxOutputTokens: 5 });
    provider.pending[0]!.answer(1, 1);
    await first;
    guard.resume(); // the budget is no longer closed, but spent
    const text = await ask({ maxOutputTokens: 5 }).catch((error: unknown) => (error as Error).message);
    expect(text).toContain('has no room');
    expect(text).toMatch(/limit 1 call, .*this call could take 1 call\./);
    expect(text).not.toMatch(/output|tokens|canClampOutput/);
    expect(provider.requests).toBe(1);
  });

  it('names canClampOutput where the call sets no cap', async () => {
    const text = await refusal(Budget.total(1), {});
    expect(text).toMatch(/no output cap, so 4096 tokens are held: pass maxOutputTokens, or canClampOutput: true/);
  });

  it('gives the bounds where it sets one', async () => {
    const text = await refusal(Budget.total(1), { maxOutputTokens: 950 });
    expect(text).toContain('input is bounded at 100 tokens and its output at 950');
    expect(text).not.toContain('canClampOutput');
  });

  it('says whether the call is too large, or nothing is left', async () => {
    expect(await refusal(Budget.total(1), { maxOutputTokens: 950 })).toContain('can not hold this call');
    const { ask, guard } = guardFixture({ budget: Budget.total(1), waitMs: 0 });
    guard.charge(0.5, 'tool');
    await expect(ask({ maxOutputTokens: 500 })).rejects.toThrow(/has no room: limit \$1\.00?/);
  });

  it('says to try again where other calls hold the room', async () => {
    const text = await refusal(Budget.total(1), { maxOutputTokens: 500 }, 700);
    expect(text).toMatch(/has its room held by other calls.*Try again when other calls have ended/);
    expect(text).not.toContain('resume()');
  });
});
