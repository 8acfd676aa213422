import { createTool } from '@mastra/core/tools';
import { AgentKavach, Budget, KilledError, findKavachError } from '@agentkavach/core';
import { rejection, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { kavach } from '../src/index.ts';
import { agent, mastraWith, world } from './world.ts';

const look = createTool({
  id: 'look',
  description: 'Looks.',
  inputSchema: z.object({ at: z.number() }),
  execute: () => Promise.resolve({ seen: 'nothing' }),
});

/** Asks for the tool for ever, with new arguments each time. */
const LOOKS = ({ n }: { readonly n: number }) => ({ toolCalls: [{ name: 'look', arguments: { at: n } }] });

describe('the processor', () => {
  it('ends generate with a tripwire that has the figures, and keeps the steps', async () => {
    await using w = await world(LOOKS);
    const plugin = kavach({ budget: Budget.calls(2, 'total') });
    const a = agent(w.model(), { tools: { look }, inputProcessors: [plugin.processor()] });
    const mastra = plugin.register(mastraWith({ agents: { a } }));
    const result = await mastra.getAgent('a').generate('Go', { maxSteps: 50 });
    expect(result.steps).toHaveLength(2);
    expect(result.tripwire).toMatchObject({
      processorId: 'agentkavach',
      retry: false,
      metadata: { code: 'KAVACH_BUDGET_EXCEEDED', unit: 'calls', limit: 2, spent: 2, requested: 1 },
    });
    expect(w.sim.ledger.requests).toBe(2);
  });

  it('ends a stream with a tripwire chunk', async () => {
    await using w = await world(LOOKS);
    const plugin = kavach({ budget: Budget.total(10), guardrails: { maxCallsPerRun: 2 } });
    const a = agent(w.model(), { tools: { look }, inputProcessors: [plugin.processor()] });
    const mastra = plugin.register(mastraWith({ agents: { a } }));
    const output = await mastra.getAgent('a').stream('Go', { maxSteps: 50 });
    const trips: unknown[] = [];
    for await (const chunk of output.fullStream) if (chunk.type === 'tripwire') trips.push(chunk.payload);
    expect(trips).toMatchObject([{ metadata: { code: 'KAVACH_CALL_LIMIT' } }]);
    expect(w.sim.ledger.requests).toBe(2);
  });

  it('charges nothing itself, and counts no calls', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const plugin = kavach({ budget: [Budget.total(1), Budget.calls(1, 'total')] });
    const a = agent(w.model(), { inputProcessors: [plugin.processor()] });
    await plugin
      .register(mastraWith({ agents: { a } }))
      .getAgent('a')
      .generate('Hi');
    expect(plugin.guard.status().run.calls).toBe(1);
    expect(spentNano(plugin.guard)).toBe(w.sim.ledger.totalNano());
  });

  it('leaves a kill in flight an error', async () => {
    await using w = await world(() => ({ hang: true }));
    const plugin = kavach({ budget: Budget.total(1) });
    const a = agent(w.model(), { inputProcessors: [plugin.processor()] });
    const mastra = plugin.register(mastraWith({ agents: { a } }));
    const error = rejection(mastra.getAgent('a').generate('Hi'));
    await w.sim.started(1);
    plugin.guard.kill();
    expect(findKavachError(await error)).toBeInstanceOf(KilledError);
  });

  it('lets everything pass under observe, and reports it once', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const guard = new AgentKavach({ budget: Budget.calls(1, 'total'), mode: 'observe' });
    const plugin = kavach(guard);
    let denied = 0;
    guard.on('denied', () => void denied++);
    const a = agent(w.model(), { inputProcessors: [plugin.processor()] });
    const mastra = plugin.register(mastraWith({ agents: { a } }));
    await mastra.getAgent('a').generate('Hi');
    expect((await mastra.getAgent('a').generate('Hi')).tripwire).toBeUndefined();
    expect(w.sim.ledger.requests).toBe(2);
    expect(denied).toBe(1);
  });
});
