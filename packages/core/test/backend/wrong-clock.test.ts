/** Guards on a machine whose clock is a day wrong, before the real backend: its clock decides. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AgentKavach, Budget } from '@agentkavach/core';
import { startBackend, type TestBackend } from './backend.ts';
import { routedProxy } from './routed-proxy.ts';

let backend: TestBackend;
beforeAll(async () => {
  backend = await startBackend();
});
afterAll(() => backend[Symbol.asyncDispose]());
afterEach(() => vi.restoreAllMocks());

const DAY_MS = 86_400_000;
const prices = { m: { inputPerMillion: 1_000, outputPerMillion: 1_000 } };
const off = (ms: number) => ({ now: () => Date.now() + ms, monotonic: () => performance.now() });

function guardOf(agentName: string, budget: Budget | Budget[], wrongBy: number, url = backend.url): AgentKavach {
  return new AgentKavach({ agentName, budget, prices, url, apiKey: backend.keys.sdk, clock: off(wrongBy), waitMs: 0 });
}
/** 100 tokens in, 100 out: $0.20. */
const ask = (guard: AgentKavach): Promise<string> =>
  guard.call({ provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 }, () =>
    Promise.resolve({ value: 'ok', usage: { inputTokens: 100, outputTokens: 100 } }),
  );
const spentOf = (guard: AgentKavach): number | undefined => guard.status().budgets[0]?.spent;

/** What the backend has of an agent: today's spend of its budget, events at a wrong time, and events that it refused. */
async function storedOf(agent: string): Promise<unknown> {
  const [row] = await backend.sql`
    select
      (select sum(w.spent)::float8 from kavach.budget_windows w join kavach.budgets b on b.id = w.budget_id
        where b.agent_id = a.id and w.window_start <= now() and w.window_end > now()) as today,
      (select count(*)::int from kavach.events e where e.agent_id = a.id and e.type <> 'denied') as events,
      (select count(*)::int from kavach.events e where e.agent_id = a.id and abs(extract(epoch from now() - e.at)) > 3600) as wrong,
      (select count(*)::int from kavach.dead_letters d where d.payload ->> 'agent' = a.name) as dead
    from kavach.agents a where a.name = ${agent}`;
  return row;
}

describe.each([
  ['ahead', DAY_MS],
  ['behind', -DAY_MS],
])('on a machine whose clock is a day %s', (how, wrongBy) => {
  it('spends in the backend’s windows, across restarts, at the backend’s times', async () => {
    const agent = `steady-${how}`;
    const budget = (): Budget[] => [Budget.daily(0.7), Budget.shared(agent, { limit: 9, period: 'daily' })];
    const first = guardOf(agent, budget(), wrongBy);
    await ask(first);
    await ask(first);
    const tomorrow = Math.ceil((Date.now() + 1) / DAY_MS) * DAY_MS;
    expect(first.status().budgets.map(({ resetsAt }) => resetsAt)).toEqual(
      Array(2).fill(new Date(tomorrow).toISOString()),
    );
    await first.close();
    await using second = guardOf(agent, budget(), wrongBy);
    await ask(second);
    expect(spentOf(second)).toBe(0.6);
    await expect(ask(second)).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', limit: 0.7, spent: 0.6 });
    await second.close();
    expect(await storedOf(agent)).toMatchObject({ today: 0.6, wrong: 0, dead: 0 });
  });

  it('counts in today’s window what was spent before it knew the time', async () => {
    const agent = `early-${how}`;
    let isDown = true;
    await using proxy = await routedProxy(backend.url, () => (isDown ? '503' : 'pass'));
    await using guard = guardOf(agent, Budget.daily(1), wrongBy, proxy.url);
    guard.charge(0.1, 'a tool');
    await ask(guard);
    await ask(guard);
    isDown = false;
    await expect.poll(() => guard.status().backend.state, { timeout: 20_000, interval: 5 }).toBe('connected');
    expect(spentOf(guard)).toBe(0.5);
    await ask(guard);
    await ask(guard);
    expect(spentOf(guard)).toBe(0.9);
    await expect(ask(guard)).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', spent: 0.9 });
    await guard.flush();
    expect(spentOf(guard)).toBe(0.9);
    await guard.close();
    expect(await storedOf(agent)).toMatchObject({ today: 0.9, wrong: 0, dead: 0 });
  });

  it('counts in today’s window what a process before it could not deliver', async () => {
    const agent = `left-${how}`;
    let isDown = true;
    await using proxy = await routedProxy(backend.url, () => (isDown ? '503' : 'pass'));
    const first = guardOf(agent, Budget.daily(1), wrongBy, proxy.url);
    await ask(first);
    await ask(first);
    await first.close();
    isDown = false;
    await using second = guardOf(agent, Budget.daily(1), wrongBy, proxy.url);
    await ask(second);
    expect(spentOf(second)).toBe(0.6);
    await second.flush();
    expect(spentOf(second)).toBe(0.6);
    expect(await storedOf(agent)).toMatchObject({ today: 0.6, wrong: 0, dead: 0 });
  });
});
