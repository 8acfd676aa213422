import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import { ConfigError } from './errors.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { deferred } from './testing/deferred.ts';
import { meteredGuard, REQUEST, RESERVED_USD } from './testing/metered.ts';

const FULL = { value: 'ok', usage: { inputTokens: 100, outputTokens: 50 } };

describe('status()', () => {
  it('gives the budgets in the order given, in their units, with their ids and resets', async () => {
    const clock = new FakeClock(Date.UTC(2026, 0, 31, 23, 30));
    const { guard } = meteredGuard({
      agentName: 'bot',
      clock,
      budget: [
        Budget.monthly(30),
        Budget.daily(0.3),
        Budget.daily(7, { timeZone: 'Asia/Tokyo' }),
        Budget.total(100, { name: 'for ever' }),
        Budget.tokens(1_000, 'hourly'),
        Budget.calls(5, 'weekly'),
      ],
    });
    const { promise, resolve } = deferred<typeof FULL>();
    await guard.call(REQUEST, async () => FULL);
    const held = guard.call(REQUEST, () => promise);
    const status = guard.status();
    expect(status).toMatchObject({ agentName: 'bot', mode: 'hard', killed: false, kill: null, inFlight: 1 });
    expect(status.backend).toEqual({ state: 'local', realtime: false, pending: 0, dropped: 0 });
    const money = { spent: RESERVED_USD, reserved: RESERVED_USD };
    expect(status.budgets).toMatchObject([
      {
        id: 'monthly',
        period: 'monthly',
        limit: 30,
        ...money,
        remaining: 29.9996,
        resetsAt: '2026-02-01T00:00:00.000Z',
      },
      { id: 'daily', limit: 0.3, ...money, remaining: 0.2996, resetsAt: '2026-02-01T00:00:00.000Z' },
      { id: 'daily#2', limit: 7, resetsAt: '2026-02-01T15:00:00.000Z' },
      { id: 'for ever', period: 'total', resetsAt: null },
      { id: 'hourly', unit: 'tokens', limit: 1_000, spent: 150, reserved: 150, remaining: 700 },
      { id: 'weekly', unit: 'calls', spent: 1, reserved: 1, remaining: 3, resetsAt: '2026-02-02T00:00:00.000Z' },
    ]);
    resolve(FULL);
    await held;
    expect(JSON.parse(JSON.stringify(guard.status()))).toEqual(guard.status());
  });

  it('shows a new window as empty', async () => {
    const clock = new FakeClock();
    const { guard } = meteredGuard({ clock, budget: Budget.hourly(1) });
    await guard.call(REQUEST, async () => FULL);
    clock.advance(3_600_000);
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0, reserved: 0, remaining: 1 });
  });

  it('keeps sums of dollars exact', async () => {
    const { guard } = meteredGuard();
    for (let i = 0; i < 3; i++) guard.charge(0.1, 'tool');
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0.3, remaining: 0.7 });
  });
});

describe('setLimit()', () => {
  const many = (): ReturnType<typeof meteredGuard>['guard'] =>
    meteredGuard({
      budget: [
        Budget.daily(5),
        Budget.daily(7),
        Budget.hourly(1, { name: 'a' }),
        Budget.hourly(2, { name: 'b' }),
        Budget.tokens(10, 'total', { name: 'c' }),
      ],
    }).guard;

  it('finds a budget by its id, or by a period that only one has', () => {
    const guard = many();
    guard.setLimit('daily', 50);
    guard.setLimit('daily#2', 70);
    guard.setLimit('b', 20);
    guard.setLimit('total', 100);
    expect(guard.status().budgets.map(({ limit }) => limit)).toEqual([50, 70, 1, 20, 100]);
  });

  it.each([['weekly'], ['hourly'], ['daily#3'], ['']])('lists the ids for %j, which names none or several', (id) => {
    expect(() => many().setLimit(id, 5)).toThrow(ConfigError);
    expect(() => many().setLimit(id, 5)).toThrow(/daily, daily#2, a, b, c/);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5', undefined])('refuses the limit %s', (value) => {
    const guard = many();
    expect(() => guard.setLimit('daily', value as number)).toThrow(ConfigError);
    expect(() => guard.setLimit('c', value as number)).toThrow(ConfigError);
    expect(guard.status().budgets[0]!.limit).toBe(5);
  });
});

describe('charge()', () => {
  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5', 9_000_001])('refuses the amount %s', (usd) => {
    const { guard } = meteredGuard();
    expect(() => guard.charge(usd as number, 'tool')).toThrow(ConfigError);
    expect(guard.status().budgets[0]!.spent).toBe(0);
  });

  it.each(['', undefined, 5, 'a\nb'])('refuses the name %j', (name) => {
    expect(() => meteredGuard().guard.charge(1, name as string)).toThrow(ConfigError);
  });

  it('counts in the run, and in the budget of the user around it', () => {
    const { guard } = meteredGuard({ budget: [Budget.total(1), Budget.perUser(1, 'daily')] });
    guard.run({ user: 'u1' }, () => {
      guard.charge(0.25, 'tool');
      expect(guard.status().run.spent).toBe(0.25);
      expect(guard.status().budgets.map(({ spent }) => spent)).toEqual([0.25, 0.25]);
    });
    guard.run({ user: 'u2' }, () => expect(guard.status().budgets[1]!.spent).toBe(0));
  });
});
