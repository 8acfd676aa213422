import { describe, expect, it } from 'vitest';
import { bufferContract, numbered, numbersOf, range } from './testing/buffer-contract.ts';
import { MemoryBuffer } from './buffer.ts';
import { noteEvent } from './event.ts';

bufferContract('MemoryBuffer', {
  make: (options) => new MemoryBuffer(options),
  makeSmall: (options) => new MemoryBuffer({ ...options, maxEvents: 100 }),
});

describe('MemoryBuffer', () => {
  it('holds 50,000 events by default', async () => {
    const buffer = new MemoryBuffer({ warn: () => undefined });
    for (const number of range(0, 50_001)) buffer.append(numbered(number));
    expect([buffer.size, buffer.dropped]).toEqual([50_000, 1]);
    expect(numbersOf((await buffer.take({ events: 1, bytes: 1 }))?.events)).toEqual([1]);
  });

  it('holds 64 MB by default', () => {
    const buffer = new MemoryBuffer({ warn: () => undefined });
    const facts = { type: 'denied', agent: 'a', runId: 'r', at: 0, code: 'x', message: 'x'.repeat(2_048) } as const;
    for (let number = 0; number < 20_000; number += 1) buffer.append(noteEvent(facts));
    expect(buffer.dropped).toBeGreaterThan(0);
    expect(buffer.size * 2 * 2_048).toBeLessThan(64_000_000);
    expect(buffer.size * 2 * 2_048).toBeGreaterThan(50_000_000);
  });

  it('keeps one event that alone is too large', () => {
    const buffer = new MemoryBuffer({ maxBytes: 10 });
    buffer.append(numbered(0));
    expect([buffer.size, buffer.dropped]).toEqual([1, 0]);
  });
});
