import { describe, expect, it } from 'vitest';
import type { StreamResult } from './call.ts';
import { KilledError } from './errors.ts';
import {
  ControlledStream,
  openStream,
  seenUsd,
  STREAMED,
  WHOLE_USD,
  type Chunk,
  type Shape,
} from './testing/controlled-stream.ts';
import { deferred } from './testing/deferred.ts';
import { expectSettled, meteredGuard, usd } from './testing/metered.ts';

const FINAL = { inputTokens: 90, outputTokens: 6 };

const shapes: Shape[] = ['readable', 'iterable', 'generator'];

describe.each(shapes)('a stream from a source of shape %s', (shape) => {
  it('passes the chunks on and charges the reported usage at its end', async () => {
    const { guard, booked, provider, stream } = await openStream({}, shape);
    provider.push({ text: 'abc' }).push({ text: 'def', tool: true }).push({ usage: FINAL }).end();
    const chunks: Chunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ text }) => text)).toEqual(['abc', 'def', undefined]);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: usd(90, 6), estimated: false, outcome: 'completed' });
    expect(guard.status().run).toMatchObject({ calls: 1, toolCalls: 1, tokens: 96 });
  });

  it('pulls only as it is read', async () => {
    const { provider, reader } = await openStream({}, shape);
    provider.push({ text: 'a' }).push({ text: 'b' }).push({ text: 'c' });
    const read = reader();
    expect(provider.pulls).toBe(0);
    await read.read();
    expect(provider.pulls).toBe(1);
    await read.read();
    expect(provider.pulls).toBe(2);
  });

  it('charges the input bound and the output seen when it ends without usage', async () => {
    const { guard, booked, provider, stream } = await openStream({}, shape);
    provider.push({ text: 'abcdef' }).end();
    for await (const chunk of stream) expect(chunk.text).toBe('abcdef');
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: usd(100, 6), estimated: true, outcome: 'completed' });
  });

  it('charges what was seen and a margin when the consumer leaves, and cancels the provider', async () => {
    const { guard, booked, provider, stream, signal } = await openStream({}, shape);
    provider.push({ text: 'abc' }).push({ text: 'def' });
    for await (const chunk of stream) if (chunk.text === 'abc') break;
    expect(provider.cancelled).toHaveLength(1);
    expect(signal.aborted).toBe(true);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: seenUsd(3), estimated: true, outcome: 'cancelled' });
    expect(booked[0]!.usd).toBeGreaterThanOrEqual(usd(100, provider.produced));
  });

  it('charges the whole reservation when the connection is lost', async () => {
    const { guard, booked, provider, reader } = await openStream({}, shape);
    const lost = new Error('socket hang up');
    provider.push({ text: 'abc' }).fail(lost);
    const read = reader();
    await read.read();
    await expect(read.read()).rejects.toBe(lost);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: WHOLE_USD, estimated: true, outcome: 'unknown' });
  });

  it('is stopped by a kill while a read waits', async () => {
    const { guard, booked, provider, reader, signal } = await openStream({}, shape);
    provider.push({ text: 'abc' });
    const read = reader();
    await read.read();
    const pending = read.read();
    guard.kill();
    await expect(pending).rejects.toBeInstanceOf(KilledError);
    expect(signal.aborted).toBe(true);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: seenUsd(3), outcome: 'cancelled' });
  });
});

describe('a stream that carries an error event', () => {
  it.each(['end', 'cancel', 'kill', 'fail'] as const)('is charged whole, however it ends: %s', async (ending) => {
    const { guard, booked, provider, reader } = await openStream();
    provider.push({ text: 'abc' }).push({ error: 'overloaded', usage: FINAL });
    const read = reader();
    await read.read();
    await read.read();
    if (ending === 'end') {
      provider.end();
      await read.read();
    } else if (ending === 'cancel') await read.cancel();
    else if (ending === 'kill') guard.kill();
    else {
      provider.fail(new Error('reset'));
      await expect(read.read()).rejects.toThrow('reset');
    }
    await read.closed.catch(() => undefined);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: WHOLE_USD, estimated: true });
  });
});

describe('a stream whose usage was reported before it ended', () => {
  it.each(['cancel', 'kill', 'fail', 'abort'] as const)(
    'is charged that usage, however it ends: %s',
    async (ending) => {
      const user = new AbortController();
      const { guard, booked, provider, reader } = await openStream({}, 'readable', { signal: user.signal });
      provider.push({ text: 'abcdef' }).push({ usage: FINAL });
      const read = reader();
      await read.read();
      await read.read();
      if (ending === 'cancel') await read.cancel();
      else if (ending === 'kill') guard.kill();
      else if (ending === 'abort') user.abort();
      else {
        provider.fail(new Error('reset'));
        await expect(read.read()).rejects.toThrow('reset');
      }
      await read.closed.catch(() => undefined);
      expectSettled(guard, booked, 1);
      expect(booked[0]).toMatchObject({ usd: usd(90, 6), estimated: false });
    },
  );

  it.each([
    ['NaN', { inputTokens: Number.NaN, outputTokens: Number.NaN }, usd(100, 3)],
    ['nothing', {}, usd(100, 3)],
    ['only its input', { inputTokens: 90 }, WHOLE_USD],
    ['only its output', { outputTokens: 3 }, usd(100, 3)],
  ])('is an estimate that is not too low where the usage says %s', async (_, usage, atMost) => {
    const { guard, booked, provider, stream } = await openStream();
    provider.push({ text: 'abc' }).push({ usage }).end();
    for await (const chunk of stream) void chunk;
    expectSettled(guard, booked, 1);
    expect(booked[0]!.estimated).toBe(true);
    expect(booked[0]!.usd).toBeGreaterThanOrEqual(usd(90, 3));
    expect(booked[0]!.usd).toBeLessThanOrEqual(atMost);
  });
});

describe('a stream that its caller aborts', () => {
  it('ends with the reason and charges what was seen, also when no read is pending', async () => {
    const user = new AbortController();
    const { guard, booked, provider, reader, signal } = await openStream({}, 'readable', { signal: user.signal });
    provider.push({ text: 'abc' });
    const read = reader();
    await read.read();
    user.abort(new Error('user left'));
    await expect(read.read()).rejects.toThrow('user left');
    expect(signal.aborted).toBe(true);
    expect(provider.cancelled).toHaveLength(1);
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: seenUsd(3), outcome: 'cancelled' });
  });

  it('ends also when the abort came while the stream was being opened by a callback that ignores it', async () => {
    const { guard, booked } = meteredGuard();
    const provider = new ControlledStream();
    const { promise, resolve } = deferred<StreamResult<Chunk>>();
    const user = new AbortController();
    const opening = guard.stream({ ...STREAMED, signal: user.signal }, () => promise);
    user.abort(new Error('user left'));
    resolve(provider.as());
    const stream = await opening;
    await expect(stream.getReader().read()).rejects.toThrow('user left');
    expect(provider.cancelled).toHaveLength(1);
    expectSettled(guard, booked, 1);
  });
});

describe('what can not be known', () => {
  it("is charged by what was seen under onUnknownUsage: 'seen'", async () => {
    const { guard, booked, provider, reader } = await openStream({ onUnknownUsage: 'seen' });
    provider.push({ text: 'abc' }).fail(new Error('reset'));
    const read = reader();
    await read.read();
    await expect(read.read()).rejects.toThrow('reset');
    expectSettled(guard, booked, 1);
    expect(booked[0]).toMatchObject({ usd: seenUsd(3), estimated: true, outcome: 'unknown' });
  });

  it('is never charged above the reservation', async () => {
    const { guard, booked, provider, stream } = await openStream({}, 'readable', { maxOutputTokens: 10 });
    provider.push({ text: 'x'.repeat(1_000) });
    for await (const chunk of stream) if (chunk.text !== undefined) break;
    expectSettled(guard, booked, 1);
    expect(booked[0]!.usd).toBe(usd(100, 10));
  });
});
