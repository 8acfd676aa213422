import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WIRE_LIMITS } from '../wire/index.ts';
import {
  callEvent,
  chargeEvent,
  cutPrompt,
  isFrom,
  newOrigin,
  noteEvent,
  retimed,
  TRUNCATION_MARK,
  untimed,
  type CallFacts,
} from './event.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const facts: CallFacts = {
  agent: 'research-bot',
  runId: 'run',
  at: 20,
  startedAt: 10,
  user: 'u1',
  tags: ['batch'],
  provider: 'openai',
  model: 'gpt-4o',
  outcome: 'completed',
  estimated: false,
  nano: 1_000,
  tokens: 15,
  calls: 1,
  inputTokens: 10,
  outputTokens: 5,
  toolCalls: 0,
  prompt: undefined,
};

describe('wire events', () => {
  it('carry the facts, a type and an id of their own', () => {
    expect(callEvent(facts)).toEqual({ ...facts, type: 'call', id: expect.stringMatching(UUID) });
    expect(callEvent(facts).id).not.toBe(callEvent(facts).id);
    const charge = { agent: 'a', runId: 'r', at: 2, startedAt: 1, user: undefined, tags: undefined, name: 'serp-api', nano: 5 }; // prettier-ignore
    expect(chargeEvent(charge)).toEqual({ ...charge, type: 'charge', id: expect.stringMatching(UUID) });
    const note = { type: 'kill', agent: 'a', runId: 'r', at: 2, code: 'manual', message: 'by hand' } as const;
    expect(noteEvent(note)).toEqual({ ...note, id: expect.stringMatching(UUID) });
  });

  it('have no prompt unless one was given', () => {
    expect(JSON.stringify(callEvent(facts))).not.toContain('prompt');
    expect(callEvent({ ...facts, prompt: 'Hello' }).prompt).toBe('Hello');
  });

  it('stay within the limits of the wire, whatever the texts', () => {
    const text = fc.string({ unit: 'binary', maxLength: 5_000, size: 'max' });
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 50 }), (any, tags) => {
        const event = callEvent({ ...facts, agent: any, runId: any, user: any, provider: any, model: any, prompt: any, tags }); // prettier-ignore
        for (const name of [event.agent, event.runId, event.user ?? '', event.provider, event.model])
          expect(name.length).toBeLessThanOrEqual(WIRE_LIMITS.name);
        expect(event.tags?.length ?? 0).toBeLessThanOrEqual(WIRE_LIMITS.tags);
        for (const tag of event.tags ?? []) expect(tag.length).toBeLessThanOrEqual(WIRE_LIMITS.tag);
        expect(event.prompt?.length).toBeLessThanOrEqual(WIRE_LIMITS.prompt);
        // jsonb refuses both.
        expect(JSON.stringify(event)).not.toMatch(/\\u0000|\\ud[89a-f]/);
      }),
      { numRuns: 50 },
    );
  });
});

describe('cutPrompt', () => {
  it('leaves 2,048 characters alone', () => {
    expect(cutPrompt('x'.repeat(2_048))).toBe('x'.repeat(2_048));
  });

  it('marks a longer one, within 2,048 characters', () => {
    const cut = cutPrompt('x'.repeat(2_049));
    expect(cut).toHaveLength(2_048);
    expect(cut.endsWith(`x${TRUNCATION_MARK}`)).toBe(true);
  });

  it('leaves no half of a character where it cuts', () => {
    const kept = 2_048 - TRUNCATION_MARK.length;
    expect(cutPrompt(`${'x'.repeat(kept - 1)}🦊${'x'.repeat(100)}`).isWellFormed()).toBe(true);
  });

  it('replaces what jsonb can’t store', () => {
    expect(cutPrompt('a\0b\ud800c')).toBe('a\uFFFDb\uFFFDc');
  });
});

describe('an event that was made before the time was known', () => {
  const charge = { agent: 'a', runId: 'r', at: 5_000, startedAt: 4_000, name: 'tool', nano: 1 };

  it('is known by its id, which is the same guard’s, and is moved', () => {
    for (let n = 0; n < 100; n++) {
      const origin = newOrigin();
      const early = chargeEvent(charge, untimed(origin));
      const late = chargeEvent(charge, origin);
      expect(early.id).toMatch(UUID);
      expect([isFrom(early, origin), isFrom(late, origin), isFrom(late, newOrigin())]).toEqual([true, true, false]);
      expect(retimed(early, -1_000)).toEqual({ ...early, at: 4_000, startedAt: 3_000 });
      expect(retimed(late, -1_000)).toBe(late);
      expect(retimed(early, 0)).toBe(early);
    }
  });

  it('has no time before 1970, and no start that it did not have', () => {
    const origin = untimed(newOrigin());
    expect(retimed(chargeEvent(charge, origin), -9_000)).toMatchObject({ at: 0, startedAt: 0 });
    const note = noteEvent({ agent: 'a', runId: 'r', at: 5_000, type: 'kill', code: 'manual' }, origin);
    expect(retimed(note, 1_000)).toEqual({ ...note, at: 6_000 });
  });
});
