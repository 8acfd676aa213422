/** A budget that was closed for what the backend said was spent, and the backend says less later. */
import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import { setForeign } from './budget/ledger.ts';
import { poolOf, type Account } from './budget/pool.ts';
import { BudgetExceededError, type KillReason } from './errors.ts';
import { AgentKavach } from './kavach.ts';
import { guardFixture, type GuardFixture } from './testing/index.ts';

const CENT = 1e7;
let names = 0;

interface Corrected extends GuardFixture {
  readonly account: Account;
  readonly budget: Budget;
  readonly kills: KillReason[];
  readonly thresholds: number[];
  /** Sends a call that costs so many cents and waits for its end. */
  spend(cents: number): Promise<unknown>;
}

/** A guard on a budget of a dollar, of which others spend what the test says. */
function corrected(options: Partial<Parameters<typeof guardFixture>[0]> = {}, shared?: Corrected): Corrected {
  const budget = shared?.budget ?? Budget.shared(`corrected-${(names += 1)}`, { limit: 1, period: 'total' });
  const kills: KillReason[] = [];
  const fixture = guardFixture({ waitMs: 0, onKill: (reason) => kills.push(reason), ...options, budget }, shared);
  const thresholds: number[] = [];
  fixture.guard.on('threshold', ({ threshold }) => thresholds.push(threshold));
  const spend = (cents: number): Promise<unknown> => {
    const answer = fixture.ask({ inputTokens: 0, maxOutputTokens: cents * 10 });
    fixture.provider.pending.at(-1)?.answer(0, cents * 10);
    return answer;
  };
  const account = poolOf(budget).account(fixture.clock.now(), '');
  return { ...fixture, account, budget, kills, thresholds, spend };
}

describe('a budget that was closed for a total that is corrected downwards', () => {
  it('reopens once the call that was refused would fit, and can be exhausted again', async () => {
    const { account, spend, guard, kills, thresholds } = corrected();
    setForeign(account, 95 * CENT);
    await expect(spend(10)).rejects.toThrow('has no room');
    await expect(spend(1)).rejects.toThrow('has stopped the agent');
    setForeign(account, 92 * CENT);
    await expect(spend(1)).rejects.toThrow('has stopped the agent');
    expect(guard.status().killed).toBe(true);
    setForeign(account, 90 * CENT);
    expect(guard.status()).toMatchObject({ killed: false, budgets: [{ exhausted: false }] });
    await spend(10);
    await expect(spend(1)).rejects.toThrow('has stopped the agent');
    expect(kills).toEqual(['cost', 'cost']);
    // What was said of the lower thresholds is not said again.
    expect(thresholds).toEqual([0.7, 0.9, 1, 1]);
  });

  it('reopens below the limit where the total itself had reached it', async () => {
    const { account, spend, kills } = corrected();
    setForeign(account, 110 * CENT);
    await expect(spend(1)).rejects.toThrow(BudgetExceededError);
    setForeign(account, 100 * CENT);
    await expect(spend(1)).rejects.toThrow(BudgetExceededError);
    setForeign(account, 99 * CENT);
    await spend(1);
    expect(kills).toEqual(['cost', 'cost']);
  });

  it('reopens below the threshold that killed the agent, which kills it again', async () => {
    const channels = [AgentKavach.channel('kill', { threshold: 0.5 })];
    const { account, spend, kills } = corrected({ channels });
    setForeign(account, 60 * CENT);
    setForeign(account, 50 * CENT);
    await expect(spend(1)).rejects.toThrow(BudgetExceededError);
    setForeign(account, 40 * CENT);
    await spend(9);
    await spend(1);
    await expect(spend(1)).rejects.toThrow(BudgetExceededError);
    expect(kills).toEqual(['cost', 'cost']);
  });

  it('reopens for all guards of the process', async () => {
    const first = corrected();
    const second = corrected({}, first);
    setForeign(first.account, 95 * CENT);
    await expect(first.spend(10)).rejects.toThrow('has no room');
    await expect(second.spend(1)).rejects.toThrow('has stopped the agent');
    setForeign(first.account, 50 * CENT);
    await second.spend(1);
    await first.spend(1);
  });

  it('stays closed by its limit, and by a kill of a person', async () => {
    const { account, spend, guard } = corrected();
    guard.kill();
    setForeign(account, 100 * CENT);
    setForeign(account, 10 * CENT);
    await expect(spend(1)).rejects.toMatchObject({ code: 'KAVACH_KILLED' });
    guard.resume();
    setForeign(account, 95 * CENT);
    await expect(spend(10)).rejects.toThrow('has no room');
    guard.setLimit(guard.status().budgets[0]!.id, 0.5);
    setForeign(account, 45 * CENT);
    await expect(spend(1)).rejects.toThrow('has stopped the agent');
    setForeign(account, 40 * CENT);
    await spend(1);
  });
});
