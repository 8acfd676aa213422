import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AgentKavach, Budget } from '@agentkavach/core';
import { startBackend, type TestBackend } from './backend.ts';

let backend: TestBackend;
beforeAll(async () => {
  backend = await startBackend();
});
afterAll(() => backend[Symbol.asyncDispose]());
afterEach(() => vi.restoreAllMocks());

const prices = { m: { inputPerMillion: 1_000, outputPerMillion: 1_000 } };
function guardOf(agentName: string, budget: Budget | Budget[], more = {}): AgentKavach {
  return new AgentKavach({ agentName, budget, prices, url: backend.url, apiKey: backend.keys.sdk, ...more });
}
/** 100 tokens in, 100 out: $0.20. */
const ask = (guard: AgentKavach): Promise<string> =>
  guard.call({ provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 }, () =>
    Promise.resolve({ value: 'ok', usage: { inputTokens: 100, outputTokens: 100 } }),
  );

describe('a connected guard', () => {
  it('takes up what was spent before its process was started', async () => {
    const first = guardOf('resumes', Budget.daily(1));
    await ask(first);
    await ask(first);
    await first.close();
    await using second = guardOf('resumes', Budget.daily(1));
    await ask(second);
    expect(second.status().budgets[0]).toMatchObject({ spent: 0.6, reserved: 0, limit: 1 });
    expect(second.status().backend.state).toBe('connected');
  });

  it('spends a shared budget by lease, to its last cent', async () => {
    const budget = (): Budget => Budget.shared('team', { limit: 1, period: 'daily' });
    await using a = guardOf('a', budget());
    await Promise.all([ask(a), ask(a), ask(a), ask(a), ask(a)]);
    await expect(ask(a)).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', spent: 1 });
    await a.close();
    const [row] =
      await backend.sql`select spent, leased from kavach.budget_windows w join kavach.budgets b on b.id = w.budget_id where b.name = 'team'`;
    expect(row).toEqual({ spent: '1.000000000', leased: '0.000000000' });
  });
});

/** Answers once a condition on the guard holds; every event of it is a look. */
async function until(isTrue: () => boolean): Promise<void> {
  await expect.poll(isTrue, { timeout: 20_000, interval: 20 }).toBe(true);
}

const operator = (method: string, path: string, body?: object): Promise<Response> =>
  fetch(`${backend.url}/functions/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${backend.keys.operator}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

describe('what an operator does', () => {
  it('stops an agent before its first call, and lets it go on', async () => {
    const first = guardOf('stopped', Budget.daily(1));
    await ask(first);
    await first.close();
    await operator('POST', 'agents/stopped/kill');
    await using guard = guardOf('stopped', Budget.daily(1));
    await expect(ask(guard)).rejects.toMatchObject({ code: 'KAVACH_KILLED', reason: 'manual' });
    guard.resume();
    await expect(ask(guard)).rejects.toMatchObject({ code: 'KAVACH_KILLED' });
    await operator('POST', 'agents/stopped/resume');
    await until(() => !guard.status().killed);
    await expect(ask(guard)).resolves.toBe('ok');
  });

  it('lifts with Resume what was stopped with Stop, not what the code has stopped', async () => {
    const onKill = vi.fn();
    await using guard = guardOf('both', Budget.daily(1), { onKill });
    await ask(guard);
    guard.kill();
    await operator('POST', 'agents/both/kill');
    await until(() => guard.status().kill?.by !== null);
    await operator('POST', 'agents/both/resume');
    await until(() => guard.status().kill?.by === null);
    await expect(ask(guard)).rejects.toThrow('Calls are refused until guard.resume().');
    guard.resume();
    await expect(ask(guard)).resolves.toBe('ok');
    expect(onKill.mock.calls).toEqual([['manual'], ['manual']]);
  });

  it('aborts a call in flight', async () => {
    await using guard = guardOf('busy', Budget.daily(1));
    await ask(guard);
    const call = guard.call<never>(
      { provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 },
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    );
    await operator('POST', 'agents/busy/kill');
    await expect(call).rejects.toMatchObject({ code: 'KAVACH_KILLED', by: expect.stringMatching(/^ak_dev_/) });
  });

  it('sets a limit that the code does not change any more', async () => {
    const first = guardOf('limited', Budget.daily(1));
    await ask(first);
    await first.close();
    const { items } = (await (await operator('GET', 'budgets?agent=limited')).json()) as { items: { id: string }[] };
    await operator('PATCH', `budgets/${items[0]?.id ?? ''}`, { limit: 0.3 });
    await using guard = guardOf('limited', Budget.daily(2));
    await expect(ask(guard)).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', limit: 0.3, spent: 0.2 });
  });
});

describe('setLimit() where an operator has set the limit', () => {
  const byOperator = async (agent: string, limit: number): Promise<void> => {
    const { items } = (await (await operator('GET', `budgets?agent=${agent}`)).json()) as { items: { id: string }[] };
    await operator('PATCH', `budgets/${items[0]?.id ?? ''}`, { limit });
  };
  const limitOf = (guard: AgentKavach): number | undefined => guard.status().budgets[0]?.limit;

  it.each([5, 0.1])('changes nothing, not even for a moment, and says so (%d)', async (value) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const agent = `managed-${value}`;
    const first = guardOf(agent, Budget.daily(1));
    await ask(first);
    await first.close();
    await byOperator(agent, 0.5);
    await using guard = guardOf(agent, Budget.daily(1));
    await ask(guard);
    guard.setLimit('daily', value);
    expect(limitOf(guard)).toBe(0.5);
    expect(warn.mock.calls.flat()).toEqual([
      `[agentkavach] setLimit: an operator has set the limit of the budget daily: $0.5 holds, and $${value} was not taken. Change it with npx agentkavach budget set, or hand it back to the code with npx agentkavach budget release.`,
    ]);
    await guard.flush();
    expect(limitOf(guard)).toBe(0.5);
  });

  it('gives way as soon as it is connected, where it did not know', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const first = guardOf('managed-before', Budget.daily(1));
    await ask(first);
    await first.close();
    await byOperator('managed-before', 0.3);
    await using guard = guardOf('managed-before', Budget.daily(1));
    guard.setLimit('daily', 5);
    await expect(ask(guard)).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', limit: 0.3 });
    expect(warn.mock.calls.flat()).toEqual([expect.stringContaining('$0.3 holds, and $5 was not taken')]);
  });

  it('gives way also to one that is set while it runs', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    await using guard = guardOf('managed-later', Budget.daily(1));
    await ask(guard);
    guard.setLimit('daily', 5);
    await guard.flush();
    await byOperator('managed-later', 2);
    await until(() => limitOf(guard) === 2);
    guard.setLimit('daily', 5);
    expect(limitOf(guard)).toBe(2);
  });
});

describe('when the backend takes nothing more', () => {
  it('refuses calls with the reason, and lets them in again', async () => {
    const guard = guardOf('revoked', Budget.daily(1));
    await ask(guard);
    await backend.sql`update kavach.api_keys set revoked_at = now() where name = 'sdk'`;
    await guard.flush();
    await until(() => guard.status().killed);
    await expect(ask(guard)).rejects.toMatchObject({ code: 'KAVACH_INGEST_REJECTED', reason: 'key_revoked' });
    await backend.sql`update kavach.api_keys set revoked_at = null where name = 'sdk'`;
    await guard.flush();
    await until(() => !guard.status().killed);
    await expect(ask(guard)).resolves.toBe('ok');
    await guard.close();
  });
});

describe('without its backend', () => {
  const url = 'http://127.0.0.1:9';
  it('holds its own budgets, and takes up what this machine kept', async () => {
    const first = guardOf('alone', Budget.daily(1), { url });
    await ask(first);
    await ask(first);
    await first.close();
    await using second = guardOf('alone', Budget.daily(1), { url });
    await ask(second);
    expect(second.status().budgets[0]).toMatchObject({ spent: 0.6 });
    expect(second.status().backend).toMatchObject({ state: 'unavailable' });
    await Promise.all([ask(second), ask(second)]);
    await expect(ask(second)).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED' });
  });

  it('refuses what shares a budget, unless told to go by the limit alone', async () => {
    const budget = (name: string): Budget => Budget.shared(name, { limit: 1, period: 'daily' });
    await using hard = guardOf('cut-off', budget('cut'), { url });
    await expect(ask(hard)).rejects.toThrow('its backend is not connected');
    await using local = guardOf('cut-off', budget('local'), { url, onBackendUnavailable: 'local' });
    await expect(ask(local)).resolves.toBe('ok');
  });
});
