import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pace } from './pace.ts';

/** Chunks that were there already when they were asked for, at these times. */
function read(pace: Pace, ...times: number[]): Pace {
  for (const time of times) {
    pace.asks(time);
    pace.delivered(time);
  }
  return pace;
}

describe('Pace', () => {
  it('takes a consumer that reads nothing as prompt for 250 ms', () => {
    const pace = new Pace(1_000);
    expect(pace.isPrompt(1_000)).toBe(true);
    expect(pace.isPrompt(1_250)).toBe(true);
    expect(pace.isPrompt(1_251)).toBe(false);
    expect(pace.isPrompt(9_000)).toBe(false);
  });

  it('counts the time since the last chunk', () => {
    const pace = read(new Pace(0), 0);
    expect(pace.isPrompt(250)).toBe(true);
    expect(pace.isPrompt(251)).toBe(false);
  });

  it('adds up what a slow consumer falls behind', () => {
    const pace = read(new Pace(0), 100, 200);
    expect(pace.isPrompt(250)).toBe(true);
    expect(pace.isPrompt(251)).toBe(false);
    expect(read(pace, 251).isPrompt(251)).toBe(false);
  });

  it('forgets it where the consumer had to wait 2 ms for a chunk: it has seen all that there was', () => {
    const pace = read(new Pace(0), 5_000);
    pace.asks(5_000);
    pace.delivered(5_001.9);
    expect(pace.isPrompt(5_001.9)).toBe(false);
    pace.asks(5_002);
    pace.delivered(5_004);
    expect(pace.isPrompt(5_004)).toBe(true);
    expect(pace.isPrompt(5_254)).toBe(true);
    expect(pace.isPrompt(5_255)).toBe(false);
  });

  it('takes one that waits for the provider as prompt, however long', () => {
    const pace = new Pace(0);
    pace.asks(0);
    expect(pace.isPrompt(600_000)).toBe(true);
  });

  it('does not believe one that was behind that it waits, for the first 2 ms', () => {
    const pace = new Pace(0);
    pace.asks(251);
    expect(pace.isPrompt(251)).toBe(false);
    expect(pace.isPrompt(252.9)).toBe(false);
    expect(pace.isPrompt(253)).toBe(true);
    const near = new Pace(0);
    near.asks(250);
    expect(near.isPrompt(250)).toBe(true);
  });

  it('knows whether a chunk has been asked for', () => {
    const pace = new Pace(0);
    expect([pace.reads, pace.reading]).toEqual([0, false]);
    pace.asks(1);
    expect([pace.reads, pace.reading]).toEqual([1, true]);
    pace.delivered(2);
    expect([pace.reads, pace.reading]).toEqual([1, false]);
  });

  it('calls no one prompt who has left more than 512 tokens of a fast provider unseen', () => {
    // 2,000 tokens a second: ten in each chunk, one chunk every 5 ms, all of them kept until they are read.
    const [perChunk, everyMs] = [10, 5];
    let prompt = 0;
    const pause = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 400 }));
    fc.assert(
      fc.property(fc.array(pause, { maxLength: 60 }), pause, fc.boolean(), (pauses, last, isReading) => {
        const pace = new Pace(0);
        let now = 0;
        let chunks = 0;
        for (const ms of pauses) {
          now += ms;
          pace.asks(now);
          chunks += 1;
          now = Math.max(now, chunks * everyMs);
          pace.delivered(now);
        }
        now += last;
        if (isReading) {
          pace.asks(now);
          const next = (chunks + 1) * everyMs;
          if (next <= now) pace.delivered(now);
          chunks += next <= now ? 1 : 0;
        }
        if (!pace.isPrompt(now)) return;
        prompt += 1;
        expect((now / everyMs) * perChunk - chunks * perChunk).toBeLessThanOrEqual(512);
      }),
      { numRuns: 2_000 },
    );
    expect(prompt).toBeGreaterThan(100);
  });
});
