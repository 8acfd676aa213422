import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

beforeEach(() => void vi.resetModules()); // what is said once is said once for each test
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** What the log says of two guards that are made on these versions. */
async function saidOn(versions: object | undefined): Promise<unknown[]> {
  const said = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const { AgentKavach } = await import('../kavach.ts');
  const { Budget } = await import('../budget/budget.ts');
  vi.stubGlobal('process', versions === undefined ? undefined : { ...process, env: {}, versions });
  for (let n = 0; n < 2; n++) new AgentKavach({ budget: Budget.daily(1) });
  return said.mock.calls.map(([message]): unknown => message);
}

describe('a guard', () => {
  it.each(['18.20.8', '20.20.2', '22.0.0', '22.12.9'])('says once that Node %s is too old', async (node) => {
    expect(await saidOn({ node })).toEqual([
      expect.stringContaining(`This is Node ${node}; AgentKavach needs Node 22.13 or newer, and is not tested`),
    ]);
  });

  it.each(['22.13.0', '22.14.1', '23.0.0', '24.21.0', '100.1.0'])('says nothing on Node %s', async (node) => {
    expect(await saidOn({ node })).toEqual([]);
  });

  it.each([
    ['Bun', { node: '20.0.0', bun: '1.3.0' }],
    ['Deno', { node: '20.0.0', deno: '2.1.4' }],
    ['a runtime without versions', {}],
    ['a runtime without a process', undefined],
  ])('says nothing on %s', async (_, versions) => {
    expect(await saidOn(versions)).toEqual([]);
  });

  it('needs the Node that the package asks for', async () => {
    const { OLDEST_NODE } = await import('./runtime.ts');
    expect(manifest.engines.node).toBe(`>=${OLDEST_NODE.join('.')}`);
  });
});
