import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import { BudgetExceededError, ConfigError, type KillReason } from './errors.ts';
import { guardFixture, type GuardFixture } from './testing/index.ts';

const now = { waitMs: 0 } as const;
let pools = 0;
/** A pooled budget lives as long as the process, so each test takes its own. */
const shared = (limit: number): Budget => Budget.shared(`scopes-test-${(pools += 1)}`, { limit, period: 'daily' });

/** Sends a call that costs so many tokens in all, and waits for its end. */
async function spend({ ask, provider }: GuardFixture, tokens: number): Promise<unknown> {
  const answer = ask({ inputTokens: 0, maxOutputTokens: tokens });
  provider.pending.at(-1)?.answer(0, tokens);
  return answer;
}

const spentOf = ({ guard }: GuardFixture): number[] => guard.status().budgets.map(({ spent }) => spent);
const heldOf = ({ guard }: GuardFixture): number[] => guard.status().budgets.map(({ reserved }) => reserved);

describe('several budgets at once', () => {
  it('a call is held and charged in all of them', async () => {
    const fixture = guardFixture({
      budget: [Budget.hourly(1), Budget.total(5), Budget.tokens(3_000, 'daily'), Budget.calls(9, 'daily')],
    });
    const answer = fixture.ask({ inputTokens: 100, maxOutputTokens: 300 });
    expect(heldOf(fixture)).toEqual([0.4, 0.4, 400, 1]);
    fixture.provider.pending[0]!.answer(100, 50);
    await answer;
    expect(spentOf(fixture)).toEqual([0.15, 0.15, 150, 1]);
    expect(heldOf(fixture)).toEqual([0, 0, 0, 0]);
  });

  it.each([
    ['the dollars', [Budget.total(0.3), Budget.tokens(3_000, 'daily'), Budget.calls(9, 'daily')], 'total'],
    ['the tokens', [Budget.total(5), Budget.tokens(399, 'daily'), Budget.calls(9, 'daily')], 'daily'],
    ['the hour', [Budget.total(5), Budget.hourly(0.399), Budget.daily(5)], 'hourly'],
  ])('is refused where one has no room, %s, and held in none', async (_what, budget, budgetId) => {
    const fixture = guardFixture({ budget, ...now });
    await expect(fixture.ask({ maxOutputTokens: 300 })).rejects.toMatchObject({ budgetId });
    expect(heldOf(fixture)).toEqual([0, 0, 0]);
    expect(fixture.provider.requests).toBe(0);
  });

  it('gets the cap of the tightest: tokens count input and output together', () => {
    const { ask, provider } = guardFixture({ budget: [Budget.total(5), Budget.tokens(1_000, 'daily')], ...now });
    void ask({ inputTokens: 100, maxOutputTokens: 5_000, canClampOutput: true });
    expect(provider.pending[0]!.grant.maxOutputTokens).toBe(900);
  });

  it('a call that the provider refuses costs no money, but counts as a call', async () => {
    const fixture = guardFixture({ budget: [Budget.total(5), Budget.calls(9, 'daily')] });
    const answer = fixture.ask({ maxOutputTokens: 300 });
    fixture.provider.pending[0]!.refuse(503);
    await expect(answer).rejects.toThrow('HTTP 503');
    expect([spentOf(fixture), heldOf(fixture)]).toEqual([[0, 1], [0, 0]]); // prettier-ignore
  });

  it('an hour that is spent does not close the day', async () => {
    const fixture = guardFixture({ budget: [Budget.hourly(1), Budget.daily(5)], ...now });
    await spend(fixture, 1_000);
    await expect(spend(fixture, 1)).rejects.toMatchObject({ period: 'hourly' });
    fixture.clock.advance(3_600_000);
    await spend(fixture, 1_000);
    expect(spentOf(fixture)).toEqual([1, 2]);
  });
});

describe('budgets per user and tag', () => {
  it('each user has an own one; inner runs inherit the user', async () => {
    const fixture = guardFixture({ budget: Budget.perUser(1, 'daily'), ...now });
    const { guard } = fixture;
    await guard.run({ user: 'u1' }, () => guard.run(() => spend(fixture, 900)));
    await expect(guard.run({ user: 'u1' }, () => spend(fixture, 200))).rejects.toMatchObject({
      scope: 'user',
      spent: 0.9,
    });
    await guard.run({ user: 'u2' }, () => spend(fixture, 200));
    expect(guard.run({ user: 'u1' }, () => spentOf(fixture))).toEqual([0.9]);
  });

  it('one that is empty stops that user, not the agent', async () => {
    const kills: KillReason[] = [];
    const fixture = guardFixture({
      budget: Budget.perUser(1, 'daily'),
      onKill: (reason) => kills.push(reason),
      ...now,
    });
    const { guard } = fixture;
    await guard.run({ user: 'u1' }, () => spend(fixture, 1_000));
    await expect(guard.run({ user: 'u1' }, () => spend(fixture, 1))).rejects.toThrow(BudgetExceededError);
    await guard.run({ user: 'u2' }, () => spend(fixture, 1));
    expect(kills).toEqual([]);
    expect(guard.status().killed).toBe(false);
  });

  it('a call counts in each of its tags, those of outer runs too, and in none without', async () => {
    const fixture = guardFixture({ budget: [Budget.perTag(1, 'daily'), Budget.total(9)], ...now });
    const { guard } = fixture;
    await guard.run({ tags: ['a'] }, () => guard.run({ tags: ['b', 'a'] }, () => spend(fixture, 600)));
    await expect(guard.run({ tags: ['b'] }, () => spend(fixture, 500))).rejects.toMatchObject({ scope: 'tag' });
    expect(guard.run({ tags: ['a'] }, () => spentOf(fixture))).toEqual([0.6, 0.6]);
    await spend(fixture, 5_000);
    expect(spentOf(fixture)[1]).toBe(5.6);
  });
});

describe('pooled budgets in one process', () => {
  it('two guards spend one budget', async () => {
    const budget = shared(1);
    const one = guardFixture({ agentName: 'one', budget, ...now });
    const two = guardFixture({ agentName: 'two', budget, ...now });
    const held = one.ask({ inputTokens: 0, maxOutputTokens: 700 });
    await expect(two.ask({ inputTokens: 0, maxOutputTokens: 301 })).rejects.toMatchObject({
      scope: 'shared',
      reserved: 0.7,
    });
    one.provider.pending[0]!.answer(0, 600);
    await held;
    await spend(two, 400);
    expect([spentOf(one), spentOf(two)]).toEqual([[1], [1]]);
  });

  it('a call that waits for what another guard holds is let in when that ends', async () => {
    const budget = shared(1);
    const one = guardFixture({ budget });
    const two = guardFixture({ budget });
    const held = one.ask({ inputTokens: 0, maxOutputTokens: 700 });
    const waiting = two.ask({ inputTokens: 0, maxOutputTokens: 400 });
    one.provider.pending[0]!.answer(0, 100);
    await held;
    for (let i = 0; i < 5; i++) await Promise.resolve();
    two.provider.pending[0]!.answer(0, 400);
    await expect(waiting).resolves.toBe(1);
  });

  it('each guard is killed once when the pool is exhausted, and reopens when either raises the limit', async () => {
    const budget = shared(1);
    const kills: string[] = [];
    const guardOf = (agentName: string): GuardFixture =>
      guardFixture({ agentName, budget, onKill: (reason) => kills.push(`${agentName} ${reason}`), ...now });
    const [one, two] = [guardOf('one'), guardOf('two')];
    await spend(one, 1_000);
    await expect(spend(two, 1)).rejects.toThrow(BudgetExceededError);
    expect(kills.toSorted()).toEqual(['one cost', 'two cost']);
    two.guard.setLimit(budget.name!, 2);
    await spend(one, 500);
    expect(two.guard.status()).toMatchObject({ killed: false, budgets: [{ limit: 2, spent: 1.5 }] });
  });

  it('an organisation budget covers every guard that lists it', async () => {
    const budget = Budget.org({ limit: 1, period: 'weekly' });
    await spend(guardFixture({ budget: [Budget.daily(5), budget], ...now }), 900);
    const two = guardFixture({ budget: [budget, Budget.daily(5)], ...now });
    await expect(spend(two, 200)).rejects.toMatchObject({ scope: 'org', spent: 0.9, limit: 1 });
  });

  it('declared with another limit is an error that says what to do', () => {
    const { name } = shared(1);
    const budgetOf = (limit: number): Budget => Budget.shared(name!, { limit, period: 'daily' });
    guardFixture({ budget: budgetOf(1) });
    expect(() => guardFixture({ budget: budgetOf(2) })).toThrow(ConfigError);
    expect(() => guardFixture({ budget: budgetOf(2) })).toThrow(/another limit.*guard\.setLimit/);
  });
});

describe('guards inside each other', () => {
  const messages = (): object[] => [{ role: 'user', content: 'Hi' }];

  it('the same guard twice on one call charges once', async () => {
    const { guard, provider, ask } = guardFixture({ budget: Budget.total(1), ...now });
    const request = { provider: 'fake', model: 'fake-1', inputTokens: 100, maxOutputTokens: 700, input: messages() };
    const answer = guard.call(request, async () => {
      const value = await ask(request);
      return { value, usage: { inputTokens: 100, outputTokens: 50 } };
    });
    expect(guard.status().budgets[0]!.reserved).toBe(0.8);
    provider.pending[0]!.answer(100, 50);
    await answer;
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0.15, reserved: 0 });
    expect(guard.status().run.calls).toBe(1);
  });

  it('the same guard in three layers charges once', async () => {
    const { guard, provider, ask } = guardFixture({ budget: Budget.calls(9, 'daily') });
    const request = { provider: 'fake', model: 'fake-1', inputTokens: 1, maxOutputTokens: 1, input: messages() };
    const usage = { inputTokens: 1, outputTokens: 1 };
    const middle = async () => ({ value: await ask(request), usage });
    const answer = guard.call(request, async () => ({ value: await guard.call(request, middle), usage }));
    expect(provider.pending).toHaveLength(1);
    provider.pending[0]!.answer(1, 1);
    await answer;
    expect(guard.status().budgets[0]!.spent).toBe(1);
  });

  it('a retry inside the outer call is a call of its own', async () => {
    const { guard, provider, ask } = guardFixture({ budget: Budget.calls(9, 'daily') });
    const request = { provider: 'fake', model: 'fake-1', inputTokens: 1, maxOutputTokens: 1, input: messages() };
    const answer = guard.call(request, async () => {
      await ask(request).catch(() => undefined);
      return { value: await ask(request), usage: { inputTokens: 1, outputTokens: 1 } };
    });
    provider.pending[0]!.refuse(500);
    for (let i = 0; i < 10; i++) await Promise.resolve();
    provider.pending[0]!.answer(1, 1);
    await answer;
    expect(guard.status().budgets[0]!.spent).toBe(2);
  });

  it('a different prompt inside a call is charged beside it', async () => {
    const { guard, ask } = guardFixture({ budget: Budget.total(9) });
    const request = { provider: 'fake', model: 'fake-1', inputTokens: 0, maxOutputTokens: 700, input: messages() };
    void guard.call(request, () => ask({ ...request, input: messages() }).then((value) => ({ value })));
    expect(guard.status().budgets[0]!.reserved).toBe(1.4);
  });

  it('two guards charge their own budgets each, and a pool that both have once', async () => {
    const pool = shared(1);
    const outer = guardFixture({ budget: [pool, Budget.total(5)], ...now });
    const inner = guardFixture({ budget: [Budget.total(3), pool], ...now }, outer);
    const request = { provider: 'fake', model: 'fake-1', inputTokens: 100, maxOutputTokens: 700, input: messages() };
    const answer = outer.guard.call(request, async () => {
      const value = await inner.ask(request);
      return { value, usage: { inputTokens: 100, outputTokens: 50 } };
    });
    expect([heldOf(outer), heldOf(inner)]).toEqual([[0.8, 0.8], [0.8, 0.8]]); // prettier-ignore
    outer.provider.pending[0]!.answer(100, 50);
    await answer;
    expect([spentOf(outer), spentOf(inner)]).toEqual([[0.15, 0.15], [0.15, 0.15]]); // prettier-ignore
  });

  it('a second request of the inner guard is held in the pool too: it will be billed', () => {
    const pool = shared(5);
    const outer = guardFixture({ budget: pool });
    const inner = guardFixture({ budget: [Budget.total(9), pool] }, outer);
    const request = { provider: 'fake', model: 'fake-1', inputTokens: 0, maxOutputTokens: 700, input: messages() };
    void outer.guard.call(request, async () => {
      const answers = await Promise.all([inner.ask(request), inner.ask(request)]);
      return { value: answers };
    });
    expect(heldOf(outer)).toEqual([1.4]);
    expect(heldOf(inner)).toEqual([1.4, 1.4]);
  });
});
