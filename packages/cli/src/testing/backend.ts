/** A backend for the tests of one file, in a folder of its own, and an app that reports to it. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectAnswer, IngestAnswer, WireBudget, WireEvent } from '@agentkavach/core/wire';
import { removeInstall, startStack, type Stack } from '@agentkavach/embedded';
import { afterAll, beforeAll } from 'vitest';

/** What the tests of one file share. */
export interface Backend {
  /** Where commands are called: the data folder is `.kavach` below it. */
  readonly cwd: string;
  readonly stack: Stack;
  /** Stops it; `again()` starts it on the same port and data. */
  stop(): Promise<void>;
  again(): Promise<void>;
}

/** Starts one before the tests of a file, and removes it after them. */
export function backend(): Backend {
  let cwd: string;
  let stack: Stack;
  const start = async (port?: number): Promise<void> => {
    stack = await startStack({ dataDir: join(cwd, '.kavach'), ...(port !== undefined && { port }) });
  };
  beforeAll(async () => {
    cwd = mkdtempSync(join(tmpdir(), 'kavach-cli-'));
    await start();
  });
  afterAll(async () => {
    await stack.stop();
    removeInstall(join(cwd, '.kavach'));
    rmSync(cwd, { recursive: true, force: true });
  });
  return {
    get cwd() {
      return cwd;
    },
    get stack() {
      return stack;
    },
    stop: () => stack.stop(),
    again: () => start(Number(new URL(stack.url).port)),
  };
}

/** A budget as code declares it; `limit` in its unit, dollars in billionths. */
export function budget(id: string, limit: number, more: Partial<WireBudget> = {}): WireBudget {
  return { id, limit, scope: 'agent', name: null, unit: 'usd', period: 'daily', timeZone: 'UTC', ...more };
}

/** Connects an agent, as its app would. */
export async function connect(
  stack: Stack,
  agent: string,
  budgets: readonly WireBudget[] = [],
): Promise<ConnectAnswer> {
  return post(stack, 'connect', { sdk: 'test', instance: randomUUID(), agent, budgets });
}

/** Reports events of an agent. */
export async function report(stack: Stack, agent: string, ...events: Partial<WireEvent>[]): Promise<IngestAnswer> {
  const at = Date.now();
  const full = events.map((event) => ({
    ...{ id: randomUUID(), agent, runId: 'run-1', at },
    ...(event.type === 'denied' ? {} : CALL(at)),
    ...event,
  }));
  const answer: IngestAnswer = await post(stack, 'ingest', { instance: randomUUID(), sentAt: at, events: full });
  if (answer.rejected.length > 0) throw new Error(JSON.stringify(answer.rejected));
  return answer;
}

const CALL = (startedAt: number) => ({
  ...{ type: 'call', startedAt, provider: 'openai', model: 'gpt-4o', outcome: 'completed', estimated: false },
  ...{ nano: 12_345_678, tokens: 1_234, calls: 1 },
});

async function post<T>(stack: Stack, path: string, body: unknown): Promise<T> {
  const response = await fetch(`${stack.url}/functions/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.keys.sdk}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text) as T;
}
