import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { StreamResult } from './call.ts';
import { KilledError } from './errors.ts';
import {
  ControlledStream,
  meterChunk,
  openStream,
  STREAMED,
  WHOLE_USD,
  type Chunk,
} from './testing/controlled-stream.ts';
import { deferred } from './testing/deferred.ts';
import { expectSettled, meteredGuard, usd } from './testing/metered.ts';

const FINAL = { inputTokens: 90, outputTokens: 6 };

describe('a stream that is killed', () => {
  it('shows the chunks of onStop and ends', async () => {
    const { guard, booked } = meteredGuard();
    const provider = new ControlledStream().push({ text: 'abc' });
    const stream = await guard.stream(STREAMED, async () =>
      provider.as('readable', (error) => [{ error: error.message }]),
    );
    const read = stream.getReader();
    await read.read();
    guard.kill();
    expect((await read.read()).value?.error).toMatch(/stopped/);
    expect((await read.read()).done).toBe(true);
    expectSettled(guard, booked, 1);
  });

  it('throws when onStop itself fails, and the kill goes on to other calls', async () => {
    const { guard, booked } = meteredGuard();
    const bad = await guard.stream(STREAMED, async () =>
      new ControlledStream().as('readable', () => {
        throw new Error('bad onStop');
      }),
    );
    const good = await guard.stream(STREAMED, async () => new ControlledStream().as());
    guard.kill();
    await expect(bad.getReader().read()).rejects.toThrow('bad onStop');
    await expect(good.getReader().read()).rejects.toBeInstanceOf(KilledError);
    expectSettled(guard, booked, 2);
  });

  it('ends its caller at once while the provider has not answered; a late stream is cancelled', async () => {
    const { guard, booked } = meteredGuard();
    const provider = new ControlledStream();
    provider.onCancel = () => new Promise(() => {}); // hangs
    const { promise, resolve } = deferred<StreamResult<Chunk>>();
    const opening = guard.stream(STREAMED, () => promise);
    guard.kill();
    await expect(opening).rejects.toBeInstanceOf(KilledError);
    expectSettled(guard, booked, 1);
    resolve(provider.as());
    await promise;
    expect(provider.cancelled).toHaveLength(1);
    expectSettled(guard, booked, 1);
    expect(booked[0]!.usd).toBeLessThanOrEqual(WHOLE_USD);
    expect(booked[0]!.usd).toBeGreaterThanOrEqual(usd(100, 512));
  });

  it('does not abort calls that are paid for when the budget is what kills', async () => {
    const { guard, booked } = meteredGuard({ budget: Budget.total(WHOLE_USD), waitMs: 0 });
    const provider = new ControlledStream();
    const stream = await guard.stream(STREAMED, async () => provider.as());
    guard.kill('cost');
    provider.push({ text: 'abc' }).push({ usage: FINAL }).end();
    for await (const chunk of stream) void chunk;
    expectSettled(guard, booked, 1);
    expect(booked[0]!.usd).toBe(usd(90, 6));
  });
});

describe('a source that misbehaves', () => {
  it('settles before a cancel that throws or hangs', async () => {
    const failing = await openStream();
    failing.provider.onCancel = () => Promise.reject(new Error('bad cancel'));
    await expect(failing.stream.cancel()).rejects.toThrow('bad cancel');
    expectSettled(failing.guard, failing.booked, 1);

    const hanging = await openStream();
    hanging.provider.onCancel = () => new Promise(() => {});
    void hanging.stream.cancel();
    expectSettled(hanging.guard, hanging.booked, 1);
  });

  it.each([
    ['no stream', undefined],
    ['a text', 5],
    ['a locked stream', locked()],
  ])('settles at once when the callback brings %s', async (_, stream) => {
    const { guard, booked } = meteredGuard();
    const result = { stream, meter: meterChunk } as unknown as StreamResult<Chunk>;
    await expect(guard.stream(STREAMED, async () => result)).rejects.toThrow();
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: WHOLE_USD, estimated: true });
  });

  it.each([
    ['throws from next()', () => { throw new Error('odd'); }],
    ['answers nothing', () => undefined],
  ])('settles when an iterator %s', async (_, next) => {
    const { guard, booked } = meteredGuard();
    const source = { [Symbol.asyncIterator]: () => ({ next }) } as unknown as AsyncIterable<Chunk>;
    const stream = await guard.stream(STREAMED, async () => ({ stream: source, meter: meterChunk }));
    await expect(stream.getReader().read()).rejects.toThrow();
    expectSettled(guard, booked, 1);
  }); // prettier-ignore

  it('settles when the meter throws', async () => {
    const { guard, booked } = meteredGuard();
    const provider = new ControlledStream().push({ text: 'a' });
    const meter = (): void => {
      throw new Error('bad meter');
    };
    const stream = await guard.stream(STREAMED, async () => ({ stream: provider.readable(), meter }));
    await expect(stream.getReader().read()).rejects.toThrow('bad meter');
    expectSettled(guard, booked, 1);
    expect(provider.cancelled).toHaveLength(1);
    expect(booked[0]!.usd).toBe(WHOLE_USD);
  });
});

function locked(): ReadableStream<Chunk> {
  const stream = new ControlledStream().readable();
  stream.getReader();
  return stream;
}
