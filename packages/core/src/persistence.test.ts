import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import { AgentKavach } from './kavach.ts';

const prices = { m: { inputPerMillion: 1_000, outputPerMillion: 1_000 } };

describe('persist', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kavach-persist-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const guardOf = (persist: string): AgentKavach =>
    new AgentKavach({ budget: [Budget.daily(1), Budget.perUser(1, 'daily')], prices, persist });
  /** 100 tokens in, 100 out: $0.20. */
  const ask = (guard: AgentKavach): Promise<number> =>
    guard.call({ provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 }, async () => ({
      value: 1,
      usage: { inputTokens: 100, outputTokens: 100 },
    }));

  it('goes on where the guard before it stopped, for each user too', async () => {
    const path = join(folder, 'spend.json');
    const first = guardOf(path);
    await ask(first);
    await first.run({ user: 'u1' }, () => ask(first));
    first.charge(0.1, 'tool');
    await first.close();
    await using second = guardOf(path);
    await second.run({ user: 'u1' }, async () => {
      await ask(second);
      expect(second.status().budgets).toMatchObject([{ spent: 0.7 }, { spent: 0.4 }]);
    });
  });

  it('goes on with pools too, each guard with what it has spent of them itself', async () => {
    const pools = Symbol.for('agentkavach.pools');
    const budget = [
      Budget.shared('persisted', { limit: 5, period: 'daily' }),
      Budget.org({ limit: 9, period: 'total' }),
    ];
    const open = (name: string): AgentKavach => new AgentKavach({ budget, prices, persist: join(folder, name) });
    try {
      const [one, two] = [open('one'), open('two')];
      one.charge(0.1, 'tool'); // before its file is open
      await Promise.all([ask(one), ask(two)]);
      await Promise.all([one.close(), two.close()]);
      await using again = open('one'); // in the same process, where the pool has counted it already
      await ask(again);
      expect(again.status().budgets).toMatchObject([{ spent: 0.7 }, { spent: 0.7 }]);
      await again.close();

      Reflect.deleteProperty(globalThis, pools); // another process
      await using next = open('one');
      await ask(next);
      expect(next.status().budgets).toMatchObject([{ spent: 0.7 }, { spent: 0.7 }]);
      await using other = open('two');
      await ask(other);
      expect(other.status().budgets).toMatchObject([{ spent: 1.1 }, { spent: 1.1 }]);
    } finally {
      Reflect.deleteProperty(globalThis, pools);
    }
  });

  it('knows what was in flight when a process ended', async () => {
    const path = join(folder, 'spend.json');
    const before = process.listeners('exit');
    const first = guardOf(path);
    await ask(first);
    const held = first.call({ provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 200 }, () => new Promise<never>(() => undefined)); // prettier-ignore
    const refused = expect(held).rejects.toMatchObject({ code: 'KAVACH_CLOSED' });
    for (const listener of process.listeners('exit')) if (!before.includes(listener)) listener(0);
    await refused;
    await using second = guardOf(path);
    await ask(second);
    expect(second.status().budgets[0]).toMatchObject({ spent: 0.7 });
    await first.close();
  });

  it('refuses to begin at zero beside another process or guard that counts in the same file', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const path = join(folder, 'spend.json');
    await using first = guardOf(path);
    await ask(first);
    await using second = guardOf(path);
    await expect(ask(second)).rejects.toMatchObject({
      code: 'KAVACH_CONFIG',
      path: 'persist',
      message: expect.stringContaining(`${process.pid}`),
    });
  });

  it('refuses where the file can not be written', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    writeFileSync(join(folder, 'file'), '');
    await using guard = guardOf(join(folder, 'file', 'spend.json'));
    await expect(ask(guard)).rejects.toMatchObject({ code: 'KAVACH_CONFIG', path: 'persist' });
  });
});
