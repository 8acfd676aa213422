/** Processes that end with calls in flight: what is known of these is written down, and the next process tells it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AgentKavach, Budget } from '@agentkavach/core';
import { startBackend, type TestBackend } from './backend.ts';
import { startProgram } from './nothing-lost-world.ts';

let backend: TestBackend;
let folder: string;
beforeAll(async () => {
  backend = await startBackend();
  folder = mkdtempSync(join(tmpdir(), 'kavach-exit-'));
});
afterAll(async () => {
  await backend[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => vi.unstubAllEnvs());

async function endedBy(agent: string, way: string) {
  const env = { URL: backend.url, KEY: backend.keys.sdk, AGENT: agent, WAY: way, AGENTKAVACH_BUFFER_DIR: folder };
  const program = await startProgram('exit-agent.ts', env, way === 'throw' ? 'ignore' : 'inherit');
  expect(await program.line()).toBe('ready');
  if (way === 'wait') program.child.kill('SIGTERM');
  const [code, signal] = (await program.ended) as [number | null, string | null];
  return { code, signal };
}

/** What the next process on this machine knows, and what the backend has when that has delivered. */
async function afterwards(agent: string) {
  vi.stubEnv('AGENTKAVACH_BUFFER_DIR', folder);
  const next = new AgentKavach({
    agentName: agent,
    budget: Budget.daily(100),
    prices: { m: { inputPerMillion: 1_000, outputPerMillion: 1_000 } },
    url: backend.url,
    apiKey: backend.keys.sdk,
  });
  await next.call({ provider: 'p', model: 'm', inputTokens: 0, maxOutputTokens: 1 }, async () => ({
    value: '',
    usage: { inputTokens: 0, outputTokens: 0 },
  }));
  const spent = next.status().budgets[0]?.spent;
  await next.close();
  const events = await backend.sql<{ outcome: string; estimated: boolean; cost: number }[]>`
    select e.outcome, e.estimated, e.cost::float8 as cost from kavach.events e join kavach.agents a on a.id = e.agent_id
    where a.name = ${agent} and e.type = 'call' and e.cost > 0 order by e.cost`;
  const [pool] = await backend.sql<{ spent: number; leased: number }[]>`
    select w.spent::float8 as spent, w.leased::float8 as leased
    from kavach.budget_windows w join kavach.budgets b on b.id = w.budget_id where b.name = ${agent}`;
  return { spent, events, pool };
}

const COMPLETED = { outcome: 'completed', estimated: false, cost: 0.2 };
/** The call that was never answered: all that it held. */
const UNANSWERED = { outcome: 'cancelled', estimated: true, cost: 0.4 };
/** The stream that was left open: its input, ten bytes and the margin. */
const LEFT = { outcome: 'cancelled', estimated: true, cost: 0.622 };

describe('a process that ends with calls in flight', () => {
  it.each([
    ['by itself', 'end', 0],
    ['by process.exit()', 'exit', 0],
    ['by an error that nobody catches', 'throw', 1],
  ])('%s charges each once, by what is known of it', async (_, way, code) => {
    const agent = `exits-${way}`;
    expect(await endedBy(agent, way)).toEqual({ code, signal: null });
    const { spent, events, pool } = await afterwards(agent);
    // The fourth is the stream whose input was being counted: by its bytes, since there was no time to count.
    expect(events).toEqual([COMPLETED, UNANSWERED, LEFT, expect.objectContaining({ outcome: 'cancelled' })]);
    const total = events.reduce((sum, { cost }) => sum + cost, 0);
    expect(spent).toBeCloseTo(total, 9);
    expect((pool?.spent ?? 0) + (pool?.leased ?? 0)).toBeGreaterThanOrEqual(total - 1e-9);
  });

  it('by SIGTERM, which is not ours to handle, at once: what it had leased stays charged', async () => {
    expect(await endedBy('exits-signal', 'wait')).toEqual({ code: null, signal: 'SIGTERM' });
    const { spent, events, pool } = await afterwards('exits-signal');
    expect(events).toEqual([COMPLETED]);
    expect(spent).toBe(0.2);
    expect((pool?.spent ?? 0) + (pool?.leased ?? 0)).toBeGreaterThanOrEqual(
      COMPLETED.cost + UNANSWERED.cost + LEFT.cost,
    );
  });
});
