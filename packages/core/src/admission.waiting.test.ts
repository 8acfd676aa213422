import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import { BudgetExceededError, ClosedError, KilledError } from './errors.ts';
import { guardFixture, type FakeClock, type GuardFixture } from './testing/index.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Lets time pass on the guard's clock and its timers together. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  clock.advance(ms);
  await vi.advanceTimersByTimeAsync(ms);
}

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

/** A call's state without waiting for it. */
function watch(call: Promise<unknown>): { state: string; error?: unknown } {
  const seen: { state: string; error?: unknown } = { state: 'pending' };
  call.then(
    () => (seen.state = 'done'),
    (error: unknown) => Object.assign(seen, { state: 'refused', error }),
  );
  return seen;
}

/** A $1 budget of which one call holds $0.90; the next needs $0.40, so it waits. */
function oneWaiting(
  options: Partial<Parameters<typeof guardFixture>[0]> = {},
  request = {},
): GuardFixture & {
  waiting: ReturnType<typeof watch>;
} {
  const fixture = guardFixture({ budget: Budget.hourly(1), maxCallSeconds: 86_400, ...options });
  fixture.ask({ maxOutputTokens: 800 }).catch(() => undefined);
  return { ...fixture, waiting: watch(fixture.ask({ maxOutputTokens: 300, ...request })) };
}

describe('a call that waits for room', () => {
  it('goes on as soon as another returns what it did not use', async () => {
    const { provider, guard, waiting } = oneWaiting();
    expect(provider.requests).toBe(1);
    expect(guard.status().budgets[0]!.reserved).toBe(0.9);
    provider.pending[0]!.answer(100, 100);
    await settled();
    expect(provider.requests).toBe(2);
    provider.pending[0]!.answer(100, 100);
    await settled();
    expect(waiting.state).toBe('done');
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0.4, reserved: 0 });
  });

  it('goes on when the provider refuses the other: that costs nothing', async () => {
    const { provider } = oneWaiting();
    provider.pending[0]!.refuse(500);
    await settled();
    expect(provider.requests).toBe(2);
  });

  it('is refused after waitMs, with the figures', async () => {
    const { clock, provider, waiting, guard } = oneWaiting({ waitMs: 5_000 });
    await pass(clock, 4_999);
    expect(waiting.state).toBe('pending');
    await pass(clock, 1);
    expect(waiting.error).toBeInstanceOf(BudgetExceededError);
    expect(waiting.error).toMatchObject({ limit: 1, spent: 0, reserved: 0.9, requested: 0.4 });
    expect(provider.requests).toBe(1);
    expect(guard.status()).toMatchObject({ killed: false, inFlight: 1 });
  });

  it('waits 30 seconds by default', async () => {
    const { clock, waiting } = oneWaiting();
    await pass(clock, 29_999);
    expect(waiting.state).toBe('pending');
    await pass(clock, 1);
    expect(waiting.state).toBe('refused');
  });

  it('is refused at once with waitMs 0; that is no 100 % event, since room may return', async () => {
    const { provider, waiting, guard } = oneWaiting({ waitMs: 0 });
    for (let i = 0; i < 5; i++) await Promise.resolve(); // no timer is needed
    expect(waiting.state).toBe('refused');
    expect(waiting.error).toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', reserved: 0.9 });
    expect(guard.status().killed).toBe(false);
    expect(provider.requests).toBe(1);
  });

  it('is refused at once when nothing in flight could free enough', async () => {
    const { ask, guard } = oneWaiting();
    const hopeless = watch(ask({ maxOutputTokens: 950 }));
    await settled();
    expect(hopeless.error).toBeInstanceOf(BudgetExceededError);
    expect(guard.status().killed).toBe(true);
  });

  it('is refused when the other spends so much that it can never fit', async () => {
    const { provider, waiting } = oneWaiting();
    provider.pending[0]!.answer(100, 700);
    await settled();
    expect(waiting.error).toMatchObject({ spent: 0.8, reserved: 0, requested: 0.4 });
    expect(provider.requests).toBe(1);
  });

  it('gets a lower cap where that lets it in', async () => {
    const { provider } = oneWaiting({}, { maxOutputTokens: 700, canClampOutput: true });
    expect(provider.requests).toBe(1);
    provider.pending[0]!.answer(100, 500);
    await settled();
    expect(provider.pending[0]!.grant.maxOutputTokens).toBe(300);
  });

  it('ends with the reason when its user aborts', async () => {
    const controller = new AbortController();
    const { waiting, provider, guard } = oneWaiting({}, { signal: controller.signal });
    const reason = new Error('user left');
    controller.abort(reason);
    await settled();
    expect(waiting.error).toBe(reason);
    provider.pending[0]!.answer(100, 0);
    await settled();
    expect(provider.requests).toBe(1);
    expect(guard.status().budgets[0]!.reserved).toBe(0);
  });

  it('ends when the agent is killed', async () => {
    const { waiting, guard, provider } = oneWaiting();
    guard.kill('manual', 'alice');
    await settled();
    expect(waiting.error).toBeInstanceOf(KilledError);
    expect(provider.requests).toBe(1);
  });

  it('ends when the guard closes', async () => {
    const { waiting, guard } = oneWaiting();
    await guard.close();
    await settled();
    expect(waiting.error).toBeInstanceOf(ClosedError);
  });

  it('is not sent, and costs nothing, when the kill comes in the moment of its admission', async () => {
    const { waiting, guard, provider } = oneWaiting();
    provider.pending[0]!.refuse(500);
    await Promise.resolve(); // the refusal reaches the guard, which admits the waiting call
    for (let i = 0; i < 5 && guard.status().inFlight === 1 && guard.status().budgets[0]!.reserved !== 0.4; i++)
      await Promise.resolve();
    expect(guard.status().budgets[0]!.reserved).toBe(0.4);
    expect(provider.requests).toBe(1);
    guard.kill();
    await settled();
    expect(waiting.error).toBeInstanceOf(KilledError);
    expect(provider.requests).toBe(1);
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0, reserved: 0 });
  });

  it('goes on when the limit is raised, and is refused when it is lowered', async () => {
    const raised = oneWaiting();
    raised.guard.setLimit('hourly', 1.3);
    await settled();
    expect(raised.provider.requests).toBe(2);
    const lowered = oneWaiting();
    lowered.guard.setLimit('hourly', 0.39);
    await settled();
    expect(lowered.waiting.error).toMatchObject({ limit: 0.39, requested: 0.4 });
  });

  it('goes on when a new window opens', async () => {
    const { clock, provider, guard } = oneWaiting({ waitMs: 7_200_000 });
    await pass(clock, 3_600_000);
    expect(provider.requests).toBe(2);
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0, reserved: 0.4 });
    provider.pending[0]!.answer(100, 800);
    provider.pending[0]!.answer(100, 300);
    await settled();
    // Each settles in the window that took it.
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0.4, reserved: 0 });
  });

  it('goes on although its timer ran a moment before the window ended', async () => {
    const { clock, provider } = oneWaiting({ waitMs: 7_200_000 });
    clock.advance(3_599_999);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(provider.requests).toBe(1);
    await pass(clock, 1);
    expect(provider.requests).toBe(2);
  });

  it('goes on in the second window after, when others took the first', async () => {
    const { clock, provider, ask } = oneWaiting({ waitMs: 36_000_000 }, { maxOutputTokens: 600 });
    clock.advance(3_600_000); // the hour is over, the timers have not run yet
    void ask({ maxOutputTokens: 800 });
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(provider.requests).toBe(2);
    await pass(clock, 3_600_000);
    expect(provider.requests).toBe(3);
  });

  it('goes on at the end of the hour where it waited for a daily budget first', async () => {
    const { clock, provider, ask } = guardFixture({
      budget: [Budget.daily(1.5), Budget.hourly(1)],
      waitMs: 7_200_000,
      maxCallSeconds: 86_400,
    });
    void ask({ maxOutputTokens: 500 });
    void ask({ maxOutputTokens: 300 });
    void ask({ maxOutputTokens: 500 }); // $0.60: no room in the day
    expect(provider.requests).toBe(2);
    provider.pending[0]!.answer(100, 300); // room in the day now, none in the hour
    await settled();
    expect(provider.requests).toBe(2);
    await pass(clock, 3_600_000);
    expect(provider.requests).toBe(3);
  });
});

describe('calls that wait together', () => {
  it('are let in by order of arrival; a later small call does not pass', async () => {
    const { ask, provider, guard } = guardFixture({ budget: Budget.total(1) });
    const order: string[] = [];
    const send = (name: string, maxOutputTokens: number): void => {
      const sent = guard.call({ provider: 'fake', model: 'fake-1', inputTokens: 0, maxOutputTokens }, (grant) => {
        order.push(name);
        return provider.send(grant);
      });
      sent.catch(() => undefined);
    };
    void ask({ inputTokens: 0, maxOutputTokens: 900 });
    send('large', 500);
    send('small', 50);
    send('medium', 300);
    await settled();
    expect(order).toEqual([]);
    provider.pending[0]!.answer(0, 100);
    await settled();
    expect(order).toEqual(['large', 'small', 'medium']);
  });

  it('go on when the one before them gives up', async () => {
    const controller = new AbortController();
    const { ask, provider } = oneWaiting({}, { signal: controller.signal });
    const behind = watch(ask({ inputTokens: 50, maxOutputTokens: 50 }));
    await settled();
    expect([provider.requests, behind.state]).toEqual([1, 'pending']);
    controller.abort(new Error('user left'));
    await settled();
    expect(provider.requests).toBe(2);
  });

  it('keep their order into the next window', async () => {
    const { ask, clock, provider } = guardFixture({
      budget: Budget.hourly(1),
      waitMs: 7_200_000,
      maxCallSeconds: 86_400,
    });
    void ask({ maxOutputTokens: 900 });
    await pass(clock, 1_000);
    const first = watch(ask({ maxOutputTokens: 700 }));
    await pass(clock, 500);
    const second = watch(ask({ maxOutputTokens: 600 }));
    await pass(clock, 3_600_000 - 1_500);
    expect(provider.requests).toBe(2);
    expect(provider.pending[1]!.grant.maxOutputTokens).toBe(700);
    provider.pending[1]!.answer(100, 0);
    await settled();
    expect([first.state, second.state, provider.requests]).toEqual(['done', 'pending', 3]);
  });

  it('of another guard go on when this one refuses those before them', async () => {
    const budget = Budget.shared('waiting-test-pool', { limit: 1, period: 'daily' });
    const one = guardFixture({ budget: [budget, Budget.total(0.95)] });
    const two = guardFixture({ budget }, one);
    void one.ask({ maxOutputTokens: 600 });
    const before = watch(one.ask({ maxOutputTokens: 300 }));
    const behind = watch(two.ask({ maxOutputTokens: 150 }));
    await settled();
    expect([before.state, behind.state, one.provider.requests]).toEqual(['pending', 'pending', 1]);
    one.ask({ maxOutputTokens: 900 }).catch(() => undefined); // exhausts the first guard's own budget
    await settled();
    expect([before.state, one.provider.requests]).toEqual(['refused', 2]);
  });
});
