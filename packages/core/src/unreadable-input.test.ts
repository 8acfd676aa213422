import { afterEach, describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { CallRequest } from './call.ts';
import { CallTimeoutError, KilledError } from './errors.ts';
import { ControlledStream, STREAMED } from './testing/controlled-stream.ts';
import { deferred } from './testing/deferred.ts';
import { expectSettled, meteredGuard, REQUEST } from './testing/metered.ts';

afterEach(() => void vi.useRealTimers());

/** A request whose input can be taken away. */
function fading(characters: number): { request: CallRequest; revoke: () => void } {
  const messages = [{ role: 'user', content: 'x'.repeat(characters) }];
  const { proxy, revoke } = Proxy.revocable(messages, {});
  return { request: { provider: 'test', model: 'round', input: proxy, maxOutputTokens: 2_000 }, revoke };
}

const nanoOf = (dollars: number): number => Math.round(dollars * 1e9);
const SIZES: [string, number][] = [
  ['small', 100],
  ['large', 20_000],
];

describe.each(SIZES)('a %s input that can not be read any more', (_, characters) => {
  it.each(['cancel', 'kill', 'abort', 'end'] as const)('is charged at what is held: %s', async (ending) => {
    const { guard, booked } = meteredGuard();
    const { request, revoke } = fading(characters);
    const user = new AbortController();
    const provider = new ControlledStream().push({ text: 'abc' });
    const stream = await guard.stream({ ...request, signal: user.signal }, async () => provider.as());
    const held = nanoOf(guard.status().budgets[0]!.reserved);
    const reader = stream.getReader();
    await reader.read();
    revoke();
    if (ending === 'cancel') await reader.cancel();
    if (ending === 'kill') guard.kill();
    if (ending === 'abort') user.abort();
    if (ending === 'end') provider.end();
    await reader.read().catch(() => undefined);
    await guard.flush();
    expectSettled(guard, booked, 1);
    const output = ending === 'end' ? 3 : 3 + 512;
    expect(nanoOf(booked[0]!.usd)).toBe(held - (2_000 - output) * 2_000);
  });

  it('does not keep a kill from the other calls', async () => {
    const { guard, booked } = meteredGuard();
    const { request, revoke } = fading(characters);
    const open = async (each: CallRequest): Promise<ReadableStream<unknown>> =>
      guard.stream(each, async () => new ControlledStream().as());
    await open(request);
    await open(STREAMED);
    const call = guard.call(REQUEST, () => new Promise<{ value: number }>(() => {}));
    revoke();
    guard.kill();
    await expect(call).rejects.toBeInstanceOf(KilledError);
    await guard.flush();
    expectSettled(guard, booked, 3);
  });

  it('does not stop the watch', async () => {
    vi.useFakeTimers();
    const { guard, booked } = meteredGuard({ idleMs: 8_000, onUnknownUsage: 'seen', maxCallSeconds: 60 });
    const { request, revoke } = fading(characters);
    await guard.stream(request, async () => new ControlledStream().as());
    await guard.stream(STREAMED, async () => new ControlledStream().as());
    revoke();
    await vi.advanceTimersByTimeAsync(10_100);
    expectSettled(guard, booked, 2);
    const silent = guard.call(REQUEST, () => new Promise<{ value: number }>(() => {}));
    const ended = expect(silent).rejects.toBeInstanceOf(CallTimeoutError);
    await vi.advanceTimersByTimeAsync(61_000); // the timer still runs
    await ended;
  });

  it('ends a call that waits for room, and holds nothing for it', async () => {
    const { guard } = meteredGuard({ budget: Budget.total(0.1) });
    const first = deferred<{ value: number; usage: { inputTokens: number; outputTokens: number } }>();
    const held = guard.call({ ...REQUEST, inputTokens: 99_000 }, () => first.promise);
    const { request, revoke } = fading(characters);
    let sent = false;
    const waiting = guard.call({ ...request, inputTokens: undefined }, async () => ({ value: (sent = true) }));
    const refused = expect(waiting).rejects.toThrow(TypeError);
    revoke();
    first.resolve({ value: 1, usage: { inputTokens: 1, outputTokens: 1 } });
    await held;
    await refused;
    expect(sent).toBe(false);
    expect(guard.status()).toMatchObject({ inFlight: 0, budgets: [{ reserved: 0 }] });
  });
});
