import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import { Engine } from './engine.ts';
import { checkOptions } from './config/options.ts';
import { guardedCall } from './guarded-call.ts';
import { EventRecorder } from './recorder.ts';
import { openRun } from './run-scope.ts';
import { FakeClock } from './testing/fake-clock.ts';
import type { WireEvent } from './wire/index.ts';

const prices = { m: { inputPerMillion: 1_000, outputPerMillion: 1_000 } };

function world(options = {}) {
  const clock = new FakeClock();
  const engine = new Engine(checkOptions({ agentName: 'bot', budget: Budget.daily(10), prices, clock, ...options }));
  const recorder = new EventRecorder(engine.policy, engine.events, () => engine.defaultRun.id);
  engine.recorders.push(recorder);
  const events: WireEvent[] = [];
  const ask = (input: unknown = 'Hi', usage = { inputTokens: 100, outputTokens: 50 }) =>
    guardedCall(engine, { provider: 'p', model: 'm', input, maxOutputTokens: 100 }, async () => ({ value: 1, usage }));
  return { clock, engine, recorder, events, ask };
}

describe('the recorder', () => {
  it('makes one event for each settled call, charged to the moment of its reservation', async () => {
    const { recorder, events, engine, clock } = world();
    recorder.attach((event) => events.push(event));
    const began = clock.now();
    await guardedCall(engine, { provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 }, async () => {
      clock.advance(2_000);
      return { value: 1, usage: { inputTokens: 100, outputTokens: 50 }, toolCalls: 2, model: 'm' };
    });
    expect(events).toEqual([
      expect.objectContaining({
        type: 'call', agent: 'bot', provider: 'p', model: 'm', outcome: 'completed', estimated: false,
        nano: 150_000_000, tokens: 150, calls: 1, inputTokens: 100, outputTokens: 50, toolCalls: 2,
        startedAt: began, at: began + 2_000, runId: engine.defaultRun.id,
      }),
    ]); // prettier-ignore
  });

  it('keeps what happens before a buffer is there', async () => {
    const { recorder, events, ask } = world();
    await ask();
    recorder.attach((event) => events.push(event));
    await ask();
    expect(events).toHaveLength(2);
    expect(new Set(events.map(({ id }) => id)).size).toBe(2);
  });

  it('keeps a bounded number of them, the newest, and counts the others', () => {
    const { recorder, events, engine } = world();
    for (let n = 0; n < 60_000; n++) engine.charge(n + 1, 'a tool');
    recorder.attach((event) => events.push(event));
    expect(events.length + recorder.lost).toBe(60_000);
    expect(events.length).toBe(50_000);
    expect(events.at(-1)).toMatchObject({ nano: 60_000 });
  });

  it('says whose call it was, and what was charged outside of one', async () => {
    const { recorder, events, engine, ask } = world();
    recorder.attach((event) => events.push(event));
    await openRun(engine, { runId: 'r1', user: 'u1', tags: ['batch'] }, async () => {
      await ask();
      engine.charge(5, 'serp-api');
    });
    const whose = { runId: 'r1', user: 'u1', tags: ['batch'] };
    expect(events).toEqual([
      expect.objectContaining({ type: 'call', ...whose }),
      expect.objectContaining({ type: 'charge', name: 'serp-api', nano: 5, ...whose }),
    ]);
  });

  it('tells no prompt unless asked to, and then its first characters', async () => {
    const silent = world();
    silent.recorder.attach((event) => silent.events.push(event));
    await silent.ask('a secret');
    expect(JSON.stringify(silent.events)).not.toContain('secret');
    const open = world({ savePrompts: true });
    open.recorder.attach((event) => open.events.push(event));
    await open.ask('x'.repeat(3_000));
    const [event] = open.events;
    expect(event?.type === 'call' && event.prompt).toMatch(/^x{2000,}… \[truncated\]$/);
  });

  it('leaves out a call that never reached a provider, and counts one that was refused there', async () => {
    const { recorder, events, engine } = world();
    recorder.attach((event) => events.push(event));
    const fail = (error: Error) =>
      guardedCall(engine, { provider: 'p', model: 'm', inputTokens: 1, maxOutputTokens: 1 }, () =>
        Promise.reject(error),
      );
    await expect(fail(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).rejects.toThrow('x');
    expect(events).toEqual([]);
    await expect(fail(Object.assign(new Error('x'), { status: 500 }))).rejects.toThrow('x');
    expect(events).toEqual([expect.objectContaining({ outcome: 'released', nano: 0, calls: 1 })]);
  });

  it('notes refusals, kills and resumes, but no flood of them', async () => {
    const { recorder, events, engine, ask } = world();
    recorder.attach((event) => events.push(event));
    engine.kill('manual', 'ops');
    for (let n = 0; n < 1_000; n++) await ask().catch(() => undefined);
    engine.resume();
    expect(events.length).toBeLessThanOrEqual(20);
    expect(events[0]).toMatchObject({ type: 'kill', code: 'manual', message: 'ops' });
    expect(events[1]).toMatchObject({ type: 'denied', code: 'KAVACH_KILLED' });
  });
});
