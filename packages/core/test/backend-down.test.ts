/** A busy agent whose backend is away: what it costs in memory and in the log. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentKavach, Budget } from '@agentkavach/core';

const CALLS = 100_000;

/** The 50,000 events that wait for the disk at most take 19; all of them would take 28. */
const MOST_MB = 24;

let server: Server;
let answers: boolean;
beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    if (answers) response.writeHead(503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kavach-down-'));
  vi.stubEnv('AGENTKAVACH_BUFFER_DIR', folder);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Megabytes in use, without what is garbage. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed / 1e6;
}

describe(`${CALLS.toLocaleString('en-US')} calls without a backend`, () => {
  it.each([
    ['that refuses each request', true],
    ['that answers nothing', false],
  ])('%s are all accounted for, in bounded memory and a few lines of log', async (_, isAnswering) => {
    answers = isAnswering;
    const said = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const guard = new AgentKavach({
      agentName: 'busy',
      budget: Budget.daily(9_000_000),
      prices: { m: { inputPerMillion: 1, outputPerMillion: 1 } },
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      apiKey: `ak_dev_${'b'.repeat(32)}`,
    });
    const ask = (): Promise<number> =>
      guard.call({ provider: 'p', model: 'm', inputTokens: 500, maxOutputTokens: 500 }, async () => ({
        value: 1,
        usage: { inputTokens: 500, outputTokens: 500 },
      }));
    const refuse = (): Promise<void> => ask().then(undefined, () => undefined);
    await ask();
    const { pending: before } = guard.status().backend;
    const least = heap();
    for (let call = 1; call < CALLS; call++) {
      await ask();
      if (call % 2_000 === 0) await setImmediate();
    }
    const { pending, dropped } = guard.status().backend;
    expect(pending + dropped - before).toBe(CALLS - 1);
    expect(guard.status().budgets[0]!.spent).toBeCloseTo(CALLS / 1_000, 6);
    expect(heap() - least).toBeLessThan(MOST_MB);
    guard.kill('cost');
    for (let call = 0; call < CALLS; call++) await refuse();
    // A few refusals a second are told, not each.
    expect(guard.status().backend.pending + guard.status().backend.dropped - before).toBeLessThan(CALLS + 1_000);
    expect(heap() - least).toBeLessThan(MOST_MB);
    await guard.close();
    expect(said.mock.calls.length).toBeLessThanOrEqual(4);
  });
});
