/** What a connected guard holds to when its backend answers late, in part, or not at all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentKavach, Budget } from '@agentkavach/core';
import { startBackend, type TestBackend } from './backend.ts';
import { routedProxy } from './routed-proxy.ts';

let backend: TestBackend;
beforeAll(async () => {
  backend = await startBackend();
});
afterAll(() => backend[Symbol.asyncDispose]());

const prices = { m: { inputPerMillion: 1_000, outputPerMillion: 1_000 } };
function guardOf(agentName: string, budget: Budget, url = backend.url): AgentKavach {
  return new AgentKavach({ agentName, budget, prices, url, apiKey: backend.keys.sdk });
}
/** 100 tokens in, 100 out: $0.20. */
const ask = (guard: AgentKavach): Promise<string> =>
  guard.call({ provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 }, () =>
    Promise.resolve({ value: 'ok', usage: { inputTokens: 100, outputTokens: 100 } }),
  );
const spentOf = (guard: AgentKavach): number | undefined => guard.status().budgets[0]?.spent;
const limitOf = (guard: AgentKavach): number | undefined => guard.status().budgets[0]?.limit;
const until = (isTrue: () => boolean): Promise<void> =>
  expect.poll(isTrue, { timeout: 20_000, interval: 20 }).toBe(true);
const kill = (agent: string): Promise<Response> =>
  fetch(`${backend.url}/functions/v1/agents/${agent}/kill`, {
    method: 'POST',
    headers: { authorization: `Bearer ${backend.keys.operator}` },
  });

describe('a restarted process', () => {
  it('takes up what the one before could not deliver, before its first call', async () => {
    let isDown = true;
    await using proxy = await routedProxy(backend.url, () => (isDown ? '503' : 'pass'));
    const first = guardOf('undelivered', Budget.daily(1), proxy.url);
    for (let call = 0; call < 4; call++) await ask(first);
    await first.close();
    isDown = false;
    await using second = guardOf('undelivered', Budget.daily(1), proxy.url);
    await ask(second);
    expect(spentOf(second)).toBe(1);
    await second.flush();
    expect(spentOf(second)).toBe(1);
  });

  it('takes it up for each of its agents, whichever guard finds it', async () => {
    let isDown = true;
    await using proxy = await routedProxy(backend.url, () => (isDown ? '503' : 'pass'));
    const both = (): AgentKavach[] => ['left-a', 'left-b'].map((name) => guardOf(name, Budget.daily(1), proxy.url));
    for (const guard of both()) {
      await ask(guard);
      await ask(guard);
      await guard.close();
    }
    isDown = false;
    const again = both();
    await Promise.all(again.map(ask));
    expect(again.map(spentOf)).toEqual([0.6, 0.6]);
    await Promise.all(again.map((guard) => guard.flush()));
    expect(again.map(spentOf)).toEqual([0.6, 0.6]);
    await Promise.all(again.map((guard) => guard.close()));
  });

  it('takes it up although the backend still takes no events', async () => {
    await using proxy = await routedProxy(backend.url, (path) => (path.endsWith('/ingest') ? '503' : 'pass'));
    const first = guardOf('undeliverable', Budget.daily(1), proxy.url);
    for (let call = 0; call < 4; call++) await ask(first);
    await first.close();
    await using second = guardOf('undeliverable', Budget.daily(1), proxy.url);
    await ask(second);
    expect(spentOf(second)).toBe(1);
  });

  it('counts once what is charged before it is connected', async () => {
    const nowhere = 'http://127.0.0.1:9';
    for (const total of [1.2, 2.4, 3.6]) {
      await using guard = guardOf('early', Budget.daily(10), nowhere);
      guard.charge(1, 'a tool');
      await ask(guard);
      expect(spentOf(guard)).toBe(total);
    }
  });
});

describe('an answer that is older than it looks', () => {
  it('takes back nothing that was spent', async () => {
    const first = guardOf('overtaken', Budget.daily(2));
    await ask(first);
    await ask(first);
    await first.close();
    const late = Promise.withResolvers<undefined>();
    let connects = 0;
    let delivered = 0;
    await using proxy = await routedProxy(backend.url, (path) => {
      if (path.endsWith('/ingest')) delivered += 1;
      return path.endsWith('/connect') && ++connects === 2 ? late.promise : 'pass';
    });
    await using guard = guardOf('overtaken', Budget.daily(2), proxy.url);
    await ask(guard);
    await until(() => connects === 2);
    await ask(guard);
    await ask(guard);
    await guard.flush();
    expect(delivered).toBeGreaterThan(0);
    let least = Number.POSITIVE_INFINITY;
    late.resolve(undefined);
    await until(() => {
      least = Math.min(least, spentOf(guard) ?? 0);
      return connects >= 3;
    });
    expect(least).toBe(1);
  });
});

describe('an answer to events that is lost', () => {
  it('closes no budget for good, although they count twice until they are delivered again', async () => {
    let connects = 0;
    let isLost = true;
    await using proxy = await routedProxy(backend.url, (path) => {
      if (path.endsWith('/connect')) connects += 1;
      return isLost && path.endsWith('/ingest') ? 'lost' : 'pass';
    });
    await using guard = guardOf('answer-lost', Budget.daily(1), proxy.url);
    await ask(guard);
    await ask(guard);
    await ask(guard);
    await until(() => (spentOf(guard) ?? 0) > 1);
    await expect(ask(guard)).rejects.toThrow('has stopped the agent');
    isLost = false;
    await until(() => spentOf(guard) === 0.6);
    await ask(guard);
    expect(guard.status()).toMatchObject({ killed: false, budgets: [{ spent: 0.8, exhausted: false }] });
    expect(connects).toBeGreaterThan(1);
  });
});

describe('agents of one process that share a budget', () => {
  it('go on when one of them is stopped', async () => {
    const budget = (): Budget => Budget.shared('of-two', { limit: 10, period: 'daily' });
    await using stopped = guardOf('of-two-a', budget());
    await using other = guardOf('of-two-b', budget());
    await ask(stopped);
    await ask(other);
    await kill('of-two-a');
    for (let call = 0; call < 30; call++) await ask(other);
    await expect(ask(stopped)).rejects.toMatchObject({ code: 'KAVACH_KILLED' });
    expect(spentOf(other)).toBeCloseTo(6.4);
  });
});

describe('setLimit()', () => {
  it('holds when it is called before the backend is connected, and tells it then', async () => {
    await using guard = guardOf('lowered', Budget.daily(50));
    guard.setLimit('daily', 1);
    await ask(guard);
    expect(limitOf(guard)).toBe(1);
    await guard.flush();
    const told = () => backend.sql`
      select b.limit_amount::float8 as value from kavach.budgets b join kavach.agents a on a.id = b.agent_id where a.name = 'lowered'`;
    await expect.poll(async () => (await told())[0]?.['value'] as unknown, { timeout: 20_000 }).toBe(1);
  });

  it('holds over an absence of the backend, and is told after it', async () => {
    let isDown = false;
    let patches = 0;
    await using proxy = await routedProxy(backend.url, (path) => {
      if (!isDown && path.includes('/budgets/')) patches += 1;
      return isDown ? '503' : 'pass';
    });
    await using guard = guardOf('lowered-alone', Budget.daily(50), proxy.url);
    await ask(guard);
    isDown = true;
    guard.setLimit('daily', 1);
    await until(() => guard.status().backend.state === 'unavailable');
    isDown = false;
    await until(() => patches > 0 && guard.status().backend.state === 'connected');
    expect(limitOf(guard)).toBe(1);
  });
});
