/** What a guard's first calls do when the backend takes the connection and does not answer. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AgentKavach, Budget } from '@agentkavach/core';
import { startBackend, type TestBackend } from './backend.ts';
import { routedProxy, type Route } from './routed-proxy.ts';

let backend: TestBackend;
beforeAll(async () => {
  backend = await startBackend();
});
afterAll(() => backend[Symbol.asyncDispose]());
afterEach(() => vi.restoreAllMocks());

const prices = { m: { inputPerMillion: 1_000, outputPerMillion: 1_000 } };
function guardOf(url: string, agentName: string, budget: Budget, more = {}): AgentKavach {
  return new AgentKavach({ agentName, budget, prices, url, apiKey: backend.keys.sdk, ...more });
}
/** 100 tokens in, 100 out: $0.20. */
const ask = (guard: AgentKavach): Promise<string> =>
  guard.call({ provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 }, () =>
    Promise.resolve({ value: 'ok', usage: { inputTokens: 100, outputTokens: 100 } }),
  );
const spentOf = (guard: AgentKavach): number | undefined => guard.status().budgets[0]?.spent;
const never = new Promise<never>(() => undefined);

describe('a backend that takes the connection and does not answer', () => {
  it('lets calls on local budgets in, with what this machine kept, and refuses shared ones for what it is', async () => {
    let route: Route = '503';
    await using proxy = await routedProxy(backend.url, () => route);
    for (const name of ['hard', 'soft']) {
      const before = guardOf(proxy.url, name, Budget.daily(0.5));
      await ask(before);
      await ask(before);
      await before.close();
    }
    route = never;
    const daily = (): Budget => Budget.daily(0.5);
    const said = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    await using hard = guardOf(proxy.url, 'hard', daily(), { waitMs: 200 });
    await using soft = guardOf(proxy.url, 'soft', daily(), { waitMs: 0, mode: 'soft' });
    await using team = guardOf(proxy.url, 'team', Budget.shared('silent', { limit: 5, period: 'daily' }), {
      waitMs: 0,
    });
    await using fresh = guardOf(proxy.url, 'fresh', daily(), { waitMs: 0 });
    await using watcher = guardOf(proxy.url, 'watcher', daily(), { mode: 'observe' });
    const calls = Promise.allSettled([ask(hard), ask(soft), ask(team), ask(fresh)]);
    await expect(ask(watcher)).resolves.toBe('ok');
    expect([hard, soft, team, fresh].map((guard) => guard.status().backend.state)).toEqual(Array(4).fill('connecting'));
    expect(await calls).toMatchObject([
      { status: 'rejected', reason: { code: 'KAVACH_BUDGET_EXCEEDED', spent: 0.4, limit: 0.5 } },
      { status: 'fulfilled' },
      { status: 'rejected', reason: { message: expect.stringContaining('its backend is not connected') } },
      { status: 'fulfilled' },
    ]);
    // Before the request's own time is over, which is ten seconds.
    expect(said).toHaveBeenCalledWith(
      expect.stringContaining('agent hard: connect: the backend has not answered within 3 s.'),
    );
    expect(hard.status().backend.state).toBe('unavailable');
    await expect(ask(soft)).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', spent: 0.6 });
  });

  it('is believed when it answers after all', async () => {
    const first = guardOf(backend.url, 'slow', Budget.daily(1));
    await ask(first);
    await ask(first);
    await first.close();
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const answer = Promise.withResolvers<undefined>();
    await using proxy = await routedProxy(backend.url, (path) => (path.endsWith('/connect') ? answer.promise : 'pass'));
    const budget = Budget.shared('slow', { limit: 1, period: 'daily' });
    await using second = guardOf(proxy.url, 'slow', Budget.daily(1));
    await using pooled = guardOf(proxy.url, 'slow', budget);
    await expect(ask(pooled)).rejects.toThrow('its backend is not connected');
    await ask(second);
    expect(spentOf(second)).toBe(0.2); // another address: this machine kept nothing for it
    answer.resolve(undefined);
    await expect.poll(() => spentOf(second), { timeout: 20_000 }).toBe(0.6);
    await expect.poll(() => pooled.status().backend.state, { timeout: 20_000 }).toBe('connected');
    await expect(ask(pooled)).resolves.toBe('ok');
  });
});
