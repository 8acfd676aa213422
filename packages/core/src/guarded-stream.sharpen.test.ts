import { beforeEach, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import { sharpBound } from './pricing/sharpen.ts';
import { ControlledStream } from './testing/controlled-stream.ts';
import { deferred, type Deferred } from './testing/deferred.ts';
import { expectSettled, meteredGuard, usd } from './testing/metered.ts';

// The tokenizer's worker is somebody else's test; here it answers when it is told to.
vi.mock('./pricing/sharpen.ts', () => ({ sharpBound: vi.fn() }));

let tokenizer: Deferred<number>;
beforeEach(() => {
  tokenizer = deferred<number>();
  vi.mocked(sharpBound).mockReset().mockReturnValue(tokenizer.promise);
});

async function left(content: string) {
  const { guard, booked } = meteredGuard({ budget: Budget.total(5) });
  const request = { provider: 'test', model: 'round', input: [{ role: 'user', content }], maxOutputTokens: 2_000 };
  const provider = new ControlledStream().push({ text: 'abc' });
  const stream = await guard.stream(request, async () => provider.as());
  const { reserved } = guard.status().budgets[0]!;
  for await (const chunk of stream) if (chunk.text !== undefined) break;
  return { guard, booked, reserved };
}

it('sharpens a large input before it is charged; the reservation is held, and flush() waits, until then', async () => {
  const { guard, booked, reserved } = await left('the quick brown fox. '.repeat(1_000));
  let flushed = false;
  const flush = guard.flush().then(() => (flushed = true));
  await Promise.resolve();
  expect(booked).toHaveLength(0);
  expect(flushed).toBe(false);
  expect(guard.status().budgets[0]!.reserved).toBe(reserved);
  tokenizer.resolve(5_000);
  await flush;
  expectSettled(guard, booked, 1);
  expect(booked[0]).toMatchObject({ usd: usd(5_000, 3 + 512), inputTokens: 5_000, estimated: true });
});

it('charges the bytes when the tokenizer fails', async () => {
  const { guard, booked } = await left('x'.repeat(10_000));
  tokenizer.reject(new Error('no worker'));
  await guard.flush();
  expectSettled(guard, booked, 1);
  expect(booked[0]!.inputTokens).toBeGreaterThanOrEqual(10_000);
  expect(booked[0]!.inputTokens).toBeLessThan(11_000);
});

it('charges a small input at once', async () => {
  const { guard, booked } = await left('hello');
  expectSettled(guard, booked, 1);
  expect(sharpBound).not.toHaveBeenCalled();
});
