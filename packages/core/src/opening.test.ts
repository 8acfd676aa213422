import { describe, expect, it } from 'vitest';
import { FakeTime } from '../test/backend/control/fake-time.ts';
import { Budget } from './budget/budget.ts';
import { checkOptions } from './config/options.ts';
import { Engine } from './engine.ts';
import { Gate } from './gate.ts';
import { FIRST_ANSWER_MS, Opening } from './opening.ts';

/** A guard whose gate is shut, and what has happened to it. */
function opening() {
  const time = new FakeTime();
  const engine = new Engine(checkOptions({ budget: Budget.daily(1) }));
  engine.gate = new Gate();
  const heard: string[] = [];
  void engine.gate.pass(undefined).then(() => heard.push('in'));
  return { time, engine, heard, opening: new Opening(engine, () => heard.push('late'), time.after) };
}

describe('a gate', () => {
  it('opens when the time is over, after what the machine kept was taken up', async () => {
    const { time, heard, opening: parts } = opening();
    await time.pass(FIRST_ANSWER_MS - 1);
    expect([heard, parts.isOpen]).toEqual([[], false]);
    await time.pass(1);
    expect([heard, parts.isOpen]).toEqual([['late', 'in'], true]);
    expect(time.pending).toBe(0);
  });

  it('opens once, as soon as the backend has answered', async () => {
    const { time, engine, heard, opening: parts } = opening();
    await time.pass(50);
    parts.open();
    await time.pass(2 * FIRST_ANSWER_MS);
    expect(heard).toEqual(['in']);
    expect(engine.gate).toBeUndefined();
    expect(time.pending).toBe(0);
  });

  it('does not count the time in which the process was busy and could hear no answer', async () => {
    const { time, heard } = opening();
    await time.pass(100);
    time.advance(60_000); // all that is due runs once
    await time.pass(100);
    expect(heard).toEqual([]);
  });
});
