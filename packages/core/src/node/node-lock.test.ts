import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { isGone, thisProcess } from './node-lock.ts';

const me = thisProcess();
const now = (): number => Date.now();
const longAgo = (): number => Date.now() - 121_000;

describe('isGone', () => {
  it('is false for this process, however long it was silent', () => {
    expect(isGone(me, longAgo())).toBe(false);
  });

  it('is true for one that gave its lock back', () => {
    expect(isGone({ ...me, pid: 0 }, now())).toBe(true);
  });

  it('is true for another process that had the same number', () => {
    expect(me.started).not.toBe('');
    expect(isGone({ ...me, started: `${me.started}1` }, now())).toBe(true);
  });

  it('relies on the number alone where no start time was known', () => {
    expect(isGone({ ...me, started: '' }, now())).toBe(false);
  });

  it('is true for a process that ended', async () => {
    const child = spawn(process.execPath, ['--eval', '']);
    await once(child, 'exit');
    expect(isGone({ ...me, pid: child.pid! }, now())).toBe(true);
  });

  it('takes a process of another user for a living one', () => {
    expect(isGone({ ...me, pid: 1, started: '' }, longAgo())).toBe(false);
  });

  it.each([
    ['in another container', { ...me, place: 'elsewhere' }],
    ['that left no lock', undefined],
  ])('waits two minutes for one %s', (_, holder) => {
    expect(isGone(holder, now())).toBe(false);
    expect(isGone(holder, longAgo())).toBe(true);
  });
});
