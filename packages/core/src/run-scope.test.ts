import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import { ConfigError } from './errors.ts';
import type { RunContext, RunScope } from './run-scope.ts';
import { meteredGuard, REQUEST } from './testing/metered.ts';

const ok = async () => ({ value: 'ok', usage: { inputTokens: 100, outputTokens: 50 } });

describe('guard.run()', () => {
  it('hands on what the function returns or throws, at once or later', async () => {
    const { guard } = meteredGuard();
    expect(guard.run(() => 5)).toBe(5);
    expect(() =>
      guard.run(() => {
        throw new Error('now');
      }),
    ).toThrow('now');
    await expect(guard.run(async () => 'later')).resolves.toBe('later');
    await expect(guard.run(() => Promise.reject(new Error('late')))).rejects.toThrow('late');
  });

  it('gives each run an id, or the one it is told', () => {
    const { guard } = meteredGuard();
    const id = (run: RunContext): string => run.runId;
    expect(guard.run(id)).not.toBe(guard.run(id));
    expect(guard.run({ runId: 'r1' }, id)).toBe('r1');
    guard.run({ runId: 'r1' }, () => expect(guard.status().run.id).toBe('r1'));
    expect(guard.status().run.id).not.toBe('r1');
  });

  it('inherits the user and adds tags, for budgets per user and per tag', async () => {
    const { guard } = meteredGuard({
      budget: [Budget.perUser(1, 'daily'), Budget.perTag(1, 'daily', { name: 'tags' })],
    });
    const spent = (): number[] => guard.status().budgets.map((budget) => budget.spent);
    await guard.run({ user: 'u1', tags: ['a'] }, async () => {
      await guard.run({ tags: ['b', 'b'] }, () => guard.call(REQUEST, ok));
      expect(spent()).toEqual([0.0002, 0.0002]);
      guard.run({ user: 'u2' }, () => expect(spent()[0]).toBe(0));
    });
    guard.run({ user: 'u1', tags: ['b'] }, () => expect(spent()).toEqual([0.0002, 0.0002]));
    guard.run({ user: 'u1', tags: ['c'] }, () => expect(spent()).toEqual([0.0002, 0]));
  });

  it('does not mix two guards', async () => {
    const one = meteredGuard({ guardrails: { maxCallsPerRun: 1 } }).guard;
    const two = meteredGuard({ guardrails: { maxCallsPerRun: 1 } }).guard;
    await one.run(() => two.run(async () => void (await one.call(REQUEST, ok), await two.call(REQUEST, ok))));
    expect(one.status().run.calls).toBe(0);
    expect(two.status().run.calls).toBe(0);
  });

  const wrong: [string, unknown][] = [
    ['run.runId', { runId: '' }],
    ['run.user', { user: 5 }],
    ['run.tags', { tags: 'batch' }],
    ['run.tags[1]', { tags: ['a', ''] }],
    ['run.tags', { tags: Array.from({ length: 33 }, (_, i) => `t${i}`) }],
    ['run.userId', { userId: 'u1' }],
    ['run', null],
    ['run', 'u1'],
  ];
  it.each(wrong)('names what is wrong: %s in %j', (path, scope) => {
    const { guard } = meteredGuard();
    const run = (): unknown => guard.run(scope as RunScope, () => 1);
    expect(run).toThrow(ConfigError);
    expect(run).toThrow(expect.objectContaining({ path }));
  });

  it('needs a function', () => {
    const { guard } = meteredGuard();
    expect(() => guard.run({ user: 'u1' }, undefined as never)).toThrow(/guard\.run\(\) needs a function/);
  });
});
