/** What happens at the backend while calls are in flight: limits are lowered below what is held, and keys are revoked. */
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
const REQUEST = { provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 } as const;

/** A guard whose calls take $0.20 and end when the test says so. */
function holding(agentName: string, budget: Budget, more = {}) {
  const onKill = vi.fn();
  const guard = new AgentKavach({
    agentName,
    budget,
    prices,
    url: backend.url,
    apiKey: backend.keys.sdk,
    waitMs: 0,
    onKill,
    ...more,
  });
  const held: (() => void)[] = [];
  const hold = (): Promise<string> =>
    guard.call(REQUEST, async () => {
      await new Promise<void>((resolve) => held.push(resolve));
      return { value: 'ok', usage: { inputTokens: 100, outputTokens: 100 } };
    });
  const ask = (): Promise<string> =>
    guard.call(REQUEST, async () => ({ value: 'ok', usage: { inputTokens: 100, outputTokens: 100 } }));
  return { guard, onKill, held, hold, ask, end: () => held.splice(0).forEach((resolve) => resolve()) };
}

const until = (isTrue: () => boolean): Promise<void> =>
  expect.poll(isTrue, { timeout: 20_000, interval: 20 }).toBe(true);

async function setLimit(budget: string, limit: number): Promise<void> {
  const [row] = await backend.sql<{ id: string }[]>`
    select b.id from kavach.budgets b left join kavach.agents a on a.id = b.agent_id where coalesce(a.name, b.name) = ${budget}`;
  await backend.sql`select kavach.set_limit(${row!.id}, ${limit})`;
}

/** What the backend has of a budget, and how often it told that all of it is spent. */
async function windowOf(budget: string): Promise<unknown> {
  const [row] = await backend.sql`
    select w.spent::float8 as spent, w.leased::float8 as leased, (
      select count(*)::int from kavach.alert_events e where e.budget_id = b.id and e.threshold = 1
    ) as full
    from kavach.budget_windows w join kavach.budgets b on b.id = w.budget_id left join kavach.agents a on a.id = b.agent_id
    where coalesce(a.name, b.name) = ${budget}`;
  return row;
}

describe('a limit that is lowered below what calls hold', () => {
  it.each<[string, (name: string) => Budget]>([
    ['agent', () => Budget.daily(2)],
    ['pool', (name) => Budget.shared(name, { limit: 2, period: 'daily' })],
  ])('lets those calls finish, admits no other, and stops the agent once (%s)', async (kind, budget) => {
    const name = `lowered-${kind}`;
    const { guard, onKill, held, hold, ask, end } = holding(name, budget(name));
    const present = (): unknown => guard.status().budgets[0];
    await ask();
    const calls = Array.from({ length: 4 }, hold);
    await until(() => held.length === 4);
    await setLimit(name, 0.5);
    await until(() => guard.status().budgets[0]?.limit === 0.5);
    expect(present()).toMatchObject({ spent: 0.2, reserved: 0.8, remaining: 0, exhausted: false });
    await expect(ask()).rejects.toMatchObject({
      code: 'KAVACH_BUDGET_EXCEEDED',
      limit: 0.5,
      spent: 0.2,
      reserved: 0.8,
    });
    expect(onKill).not.toHaveBeenCalled();
    end();
    await expect(Promise.all(calls)).resolves.toEqual(['ok', 'ok', 'ok', 'ok']);
    await expect(ask()).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', limit: 0.5, spent: 1 });
    expect(onKill.mock.calls).toEqual([['cost']]);
    expect(present()).toMatchObject({ spent: 1, reserved: 0, remaining: 0, exhausted: true });
    // The refusal has the backend told at once, so that it tells whoever watches the budget.
    await guard.flush();
    await expect.poll(() => windowOf(name), { timeout: 5_000, interval: 20 }).toMatchObject({ spent: 1, full: 1 });
    await setLimit(name, 1.3);
    await until(() => guard.status().budgets[0]?.limit === 1.3);
    await expect(ask()).resolves.toBe('ok');
    await guard.close();
    expect(await windowOf(name)).toEqual({ spent: 1.2, leased: 0, full: 1 });
  });

  it('refuses what waits for room that it will not get any more', async () => {
    const { guard, held, hold, ask, end } = holding('lowered-queue', Budget.daily(0.4), { waitMs: 30_000 });
    await ask();
    const first = hold();
    await until(() => held.length === 1);
    const waiting = expect(hold()).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', limit: 0.3, spent: 0.2 });
    await setLimit('lowered-queue', 0.3);
    await waiting;
    end();
    await first;
    await guard.close();
  });
});

describe('a key that is revoked in the middle of a stream', () => {
  it('ends the stream, which is charged once, and told once the key is good again', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const { guard, onKill, ask } = holding('streaming', Budget.daily(2));
    const kills = vi.fn();
    guard.on('kill', kills);
    let cancelled: unknown;
    const source = new ReadableStream<string>({
      start: (controller) => controller.enqueue('0123456789'),
      cancel: (reason) => void (cancelled = reason),
    });
    const stream = await guard.stream({ ...REQUEST, hidesOutput: false }, async () => ({
      stream: source,
      meter: (chunk: string, meter) => meter.output(chunk),
    }));
    const reader = stream.getReader();
    await reader.read();
    const next = expect(reader.read()).rejects.toMatchObject({ code: 'KAVACH_INGEST_REJECTED', reason: 'key_revoked' });
    await backend.sql`update kavach.api_keys set revoked_at = now() where name = 'sdk'`;
    await next; // the next poll hears of it
    expect(cancelled).toMatchObject({ code: 'KAVACH_INGEST_REJECTED' });
    expect(guard.status()).toMatchObject({ killed: true, inFlight: 0, backend: { state: 'rejected' } });
    const [charged] = guard.status().budgets;
    // The input and ten bytes seen, and the margin: no more than what was held.
    expect(charged).toMatchObject({ spent: 0.2, reserved: 0 });
    await expect(ask()).rejects.toMatchObject({ code: 'KAVACH_INGEST_REJECTED' });
    await guard.flush();
    expect([onKill.mock.calls, kills.mock.calls.length]).toEqual([[['key_revoked']], 1]);
    expect(warn.mock.calls.length).toBeLessThanOrEqual(2);
    await backend.sql`update kavach.api_keys set revoked_at = null where name = 'sdk'`;
    await guard.flush();
    await until(() => !guard.status().killed);
    await expect(ask()).resolves.toBe('ok');
    await guard.close();
    const rows = await backend.sql`
      select e.outcome, e.estimated, e.cost::float8 as cost from kavach.events e join kavach.agents a on a.id = e.agent_id
      where a.name = 'streaming' and e.type = 'call' order by e.at`;
    expect(rows).toEqual([
      { outcome: 'cancelled', estimated: true, cost: 0.2 },
      { outcome: 'completed', estimated: false, cost: 0.2 },
    ]);
    expect(await windowOf('streaming')).toMatchObject({ spent: 0.4 });
  });
});
