import type { Mastra } from '@mastra/core';
import type { Agent, MastraLanguageModel } from '@mastra/core/agent';
import { InMemoryStore } from '@mastra/core/storage';
import {
  AgentKavach,
  Budget,
  BudgetExceededError,
  CallLimitError,
  findKavachError,
  KilledError,
  type SpendEvent,
} from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { Memory } from '@mastra/memory';
import { describe, expect, it } from 'vitest';
import { kavach } from '../src/index.ts';
import { agent, mastraWith, world } from './world.ts';

/** The error that a run ends with. */
async function failure(mastra: Mastra, method: 'generate' | 'stream'): Promise<unknown> {
  if (method === 'generate') return rejection(mastra.getAgent('a').generate('Hi'));
  const output = await mastra.getAgent('a').stream('Hi');
  await output.consumeStream();
  return output.error;
}

describe('retries', () => {
  it('are calls of their own; error answers are not billed', async () => {
    await using w = await world(({ n }) => (n === 1 ? { error: { status: 500, retryAfter: 0 } } : { tokens: 30 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(w.model(), { maxRetries: 2 }) } }));
    await mastra.getAgent('a').generate('Hi');
    expect(w.sim.ledger.requests).toBe(2);
    expect(guard.status().run.calls).toBe(2);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  });

  it.each(['generate', 'stream'] as const)('do not happen for a refusal (%s)', async (method) => {
    await using w = await world(() => ({ error: { status: 500, retryAfter: 0 } }));
    const guard = new AgentKavach({ budget: Budget.total(1), guardrails: { maxCallsPerRun: 1 } });
    let denied = 0;
    guard.on('denied', () => void denied++);
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(w.model(), { maxRetries: 2 }) } }));
    expect(findKavachError(await failure(mastra, method))).toBeInstanceOf(CallLimitError);
    expect(w.sim.ledger.requests).toBe(1);
    expect(denied).toBe(1);
  });
});

describe('a fallback list', () => {
  const list = (first: MastraLanguageModel, second: MastraLanguageModel) => [
    { model: first, maxRetries: 2 },
    { model: second },
  ];

  it.each(['generate', 'stream'] as const)('ends with the refusal of its first model (%s)', async (method) => {
    await using w = await world(() => ({ tokens: 10 }));
    // Room for the cheap model, not for the dear one.
    const guard = new AgentKavach({ budget: Budget.total(0.001), waitMs: 0 });
    let denied = 0;
    guard.on('denied', () => void denied++);
    const models = list(w.model('gpt-4'), w.model('gpt-4o-mini'));
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(models) } }));
    expect(findKavachError(await failure(mastra, method))).toBeInstanceOf(BudgetExceededError);
    expect(w.sim.ledger.requests).toBe(0);
    expect(denied).toBe(1);
  });

  it('still falls back when a provider fails, and counts both', async () => {
    await using w = await world(({ model }) => (model === 'gpt-4o' ? { error: { status: 400 } } : { tokens: 10 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const models = list(w.model('gpt-4o'), w.model('gpt-4o-mini'));
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(models) } }));
    const { text } = await mastra.getAgent('a').generate('Hi');
    expect(text).not.toBe('');
    expect(w.sim.ledger.requests).toBe(2);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });
});

describe('a kill in flight', () => {
  it('rejects generate at once and disconnects the provider', async () => {
    await using w = await world(() => ({ hang: true }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(w.model(), { maxRetries: 2 }) } }));
    const error = rejection(mastra.getAgent('a').generate('Hi'));
    await w.sim.started(1);
    guard.kill();
    expect(findKavachError(await error)).toBeInstanceOf(KilledError);
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('hung');
    expect(reserved(guard)).toBe(0);
    expect(w.sim.ledger.requests).toBe(1);
  });

  it('ends a stream with an error and disconnects the provider', async () => {
    await using w = await world(() => ({ tokens: 400, hold: new Promise(() => {}), holdAfterChunks: 3 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(w.model()) } }));
    const output = await mastra.getAgent('a').stream('Hi');
    let deltas = 0;
    for await (const chunk of output.fullStream) {
      if (chunk.type === 'text-delta' && ++deltas === 3) guard.kill();
    }
    expect(findKavachError(output.error)).toBeInstanceOf(KilledError);
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });
});

describe('a consumer that leaves a stream', () => {
  it('is charged the whole answer, which Mastra reads to its end', async () => {
    await using w = await world(() => ({ tokens: 400 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const spent = new Promise<SpendEvent>((resolve) => guard.on('spend', resolve));
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(w.model()) } }));
    const output = await mastra.getAgent('a').stream('Hi');
    for await (const chunk of output.fullStream) if (chunk.type === 'text-delta') break;
    expect(await spent).toMatchObject({ estimated: false });
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('by an abort is charged what was seen', async () => {
    await using w = await world(() => ({ tokens: 400, hold: new Promise(() => {}), holdAfterChunks: 3 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(w.model()) } }));
    const caller = new AbortController();
    const output = await mastra.getAgent('a').stream('Hi', { abortSignal: caller.signal });
    for await (const chunk of output.fullStream) if (chunk.type === 'text-delta') caller.abort();
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
    expect(guard.status().killed).toBeFalsy();
  });
});

describe('sub-agents', () => {
  /** Three agents, of which Mastra knows the first; each asks the next one once. */
  function family(model: () => MastraLanguageModel): Agent {
    const third = agent(model(), { id: 'third', name: 'third', description: 'Third.' });
    const second = agent(model(), { id: 'second', name: 'second', description: 'Second.', agents: { third } });
    return agent(model(), { id: 'first', name: 'first', agents: { second } });
  }
  const DELEGATES = () => {
    const asked = new Set<string>();
    return ({ toolNames }: { readonly toolNames: readonly string[] }) => {
      const next = toolNames.find((name) => name.startsWith('agent-'));
      if (next === undefined || asked.has(next)) return { tokens: 20 };
      asked.add(next);
      return { toolCalls: [{ name: next, arguments: { prompt: 'go' } }] };
    };
  };

  it('three deep are charged to one pool', async () => {
    await using w = await world(DELEGATES());
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const mastra = kavach(guard).register(mastraWith({ agents: { first: family(() => w.model()) } }));
    await mastra.getAgent('first').generate('Go');
    await w.sim.ledger.settled();
    expect(w.sim.ledger.requests).toBe(5);
    expect(guard.status().run.calls).toBe(5);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('can’t spend what the pool has not', async () => {
    await using w = await world(DELEGATES());
    const guard = new AgentKavach({ budget: Budget.calls(2, 'daily') });
    const mastra = kavach(guard).register(mastraWith({ agents: { first: family(() => w.model()) } }));
    await mastra
      .getAgent('first')
      .generate('Go')
      .catch(() => undefined);
    expect(w.sim.ledger.requests).toBe(2);
  });
});

describe('an agent network', () => {
  const ROUTES = { primitiveId: 'worker', primitiveType: 'agent', prompt: 'go', selectionReason: 'it can' };
  const COMPLETE = { isComplete: true, completionReason: 'done', finalResult: 'done' };

  it('is charged what the provider billed, and sends nothing more once it is stopped', async () => {
    await using w = await world(({ n }) => {
      if (n === 1) return { text: JSON.stringify(ROUTES) };
      return n === 3 ? { text: JSON.stringify(COMPLETE) } : { tokens: 20 };
    });
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const worker = agent(w.model(), { id: 'worker', name: 'worker', description: 'Works.' });
    const router = agent(w.model(), { id: 'router', name: 'router', agents: { worker }, memory: new Memory() });
    const mastra = kavach(guard).register(mastraWith({ storage: new InMemoryStore(), agents: { router } }));
    const drain = async () => {
      const types: string[] = [];
      const output = await mastra.getAgent('router').network('Go', { memory: { thread: 't', resource: 'r' } });
      for await (const { type } of output) types.push(type);
      return types;
    };
    expect(await drain()).toContain('agent-execution-end');
    await w.sim.ledger.settled();
    const { requests } = w.sim.ledger;
    expect(requests).toBeGreaterThanOrEqual(3);
    expect(guard.status().run.calls).toBe(requests);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    guard.kill();
    await drain().catch(() => undefined);
    expect(w.sim.ledger.requests).toBe(requests);
  });
});
