import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { StreamMeter } from './call.ts';
import { ControlledStream, meterChunk, type Chunk, type Shape } from './testing/controlled-stream.ts';
import { expectSettled, meteredGuard, usd } from './testing/metered.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const CAP = 700;
const MARGIN = 40;
const TRUE_INPUT = 80;

type Step =
  | { type: 'text'; length: number }
  | { type: 'usage' }
  | { type: 'read' | 'end' | 'event' | 'lost' | 'abort' | 'kill' | 'cancel' | 'close' | 'idle' | 'time-out' | 'tick' };

const chunks: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('text' as const), length: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 8, arbitrary: fc.constantFrom<Step>({ type: 'read' }, { type: 'tick' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ type: 'usage' }) },
);
const endings: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom('end', 'event', 'lost', 'abort', 'kill', 'cancel', 'close', 'idle', 'time-out'),
});
const script = fc.array(fc.oneof({ weight: 4, arbitrary: chunks }, { weight: 1, arbitrary: endings }), {
  maxLength: 25,
});
const shape = fc.constantFrom<Shape>('readable', 'iterable', 'generator');

/** The provider: what it has produced is what it bills, until it is cancelled or its caller's signal aborts. */
async function play(steps: readonly Step[], source: Shape): Promise<void> {
  const { guard, booked } = meteredGuard({ idleMs: 1_000, maxCallSeconds: 5, cancelMarginTokens: MARGIN });
  const provider = new ControlledStream();
  const user = new AbortController();
  let isBilling = true;
  let metered = 0;
  const meter = (chunk: Chunk, counter: StreamMeter): void => {
    metered += chunk.text?.length ?? 0;
    meterChunk(chunk, counter);
  };
  const stream = await guard.stream(
    { provider: 'test', model: 'round', inputTokens: 100, maxOutputTokens: CAP, signal: user.signal },
    async ({ signal }) => {
      signal.addEventListener('abort', () => (isBilling = false));
      return { stream: provider[source](), meter };
    },
  );
  provider.onCancel = () => (isBilling = false);
  const reader: ReadableStreamDefaultReader<Chunk> = stream.getReader();
  reader.closed.catch(() => undefined);
  for (const step of [...steps, { type: 'close' } as const]) {
    switch (step.type) {
      case 'text': {
        // No provider runs further ahead than the margin: that is what the margin stands for.
        const length = Math.min(step.length, CAP - provider.produced, MARGIN - provider.produced + metered);
        if (isBilling && length > 0) provider.push({ text: 'x'.repeat(length) });
        break;
      }
      case 'usage':
        provider.push({ usage: { inputTokens: TRUE_INPUT, outputTokens: provider.produced } }).end();
        isBilling = false;
        break;
      case 'event':
        provider.push({ error: 'overloaded' });
        break;
      case 'end':
        provider.end();
        isBilling = false;
        break;
      case 'lost':
        provider.fail(new Error('reset'));
        isBilling = false;
        break;
      case 'read':
        reader.read().catch(() => undefined);
        break;
      case 'abort':
        user.abort();
        break;
      case 'kill':
        guard.kill();
        break;
      case 'cancel':
        reader.cancel().catch(() => undefined);
        break;
      case 'close':
        await guard.close();
        break;
      case 'idle':
        await vi.advanceTimersByTimeAsync(2_000);
        break;
      case 'time-out':
        await vi.advanceTimersByTimeAsync(7_000);
        break;
      case 'tick':
        await vi.advanceTimersByTimeAsync(0);
    }
  }
  await vi.advanceTimersByTimeAsync(0);
  expectSettled(guard, booked, 1);
  expect(guard.status().run.calls).toBe(1);
  const [charge] = booked;
  expect(charge!.usd).toBeLessThanOrEqual(usd(100, CAP));
  const bill = usd(TRUE_INPUT, provider.produced);
  if (charge!.estimated) expect(charge!.usd).toBeGreaterThanOrEqual(bill);
  else expect(charge!.usd).toBe(bill);
}

it('settles once, holds nothing afterwards, and charges between the true bill and the reservation', async () => {
  await fc.assert(fc.asyncProperty(script, shape, play), { numRuns: 400 });
});
