import { createDurableAgent } from '@mastra/core/agent/durable';
import type { Mastra } from '@mastra/core';
import { InMemoryStore } from '@mastra/core/storage';
import { createStep, createWorkflow } from '@mastra/core/workflows/evented';
import { AgentKavach, Budget } from '@agentkavach/core';
import { spentNano } from '@agentkavach/core/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { kavach } from '../src/index.ts';
import { agent, mastraWith, world, type World } from './world.ts';

/** Other ways in which Mastra runs agents: each sends one request. */
const ENGINES: Record<string, (w: World) => { mastra: Mastra; run: () => Promise<unknown> }> = {
  'a durable agent': (w) => {
    const durable = createDurableAgent({ agent: agent(w.model()) });
    const mastra = mastraWith({ storage: new InMemoryStore(), agents: { a: durable } });
    return { mastra, run: async () => (await durable.stream('Hi')).output.text };
  },
  'a stored version of an agent': (w) => {
    const a = agent(w.model());
    return { mastra: mastraWith({ agents: { a } }), run: () => a.__fork().generate('Hi') };
  },
  'an evented workflow with an agent that Mastra does not know': (w) => {
    const workflow = createWorkflow({
      id: 'w',
      inputSchema: z.object({ prompt: z.string() }),
      outputSchema: z.object({ text: z.string() }),
    })
      .then(createStep(agent(w.model())))
      .commit();
    const mastra = mastraWith({ storage: new InMemoryStore(), workflows: { w: workflow } });
    return {
      mastra,
      run: async () => {
        await mastra.startEventEngine();
        try {
          return await (await mastra.getWorkflow('w').createRun()).start({ inputData: { prompt: 'Hi' } });
        } finally {
          await mastra.stopEventEngine();
        }
      },
    };
  },
};

describe.each(Object.entries(ENGINES))('%s', (_name, engine) => {
  it('is charged once, and sends nothing once it is stopped', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const { mastra, run } = engine(w);
    const guard = new AgentKavach({ budget: Budget.total(1) });
    kavach(guard).register(mastra);
    await run();
    await w.sim.ledger.settled();
    expect(guard.status().run.calls).toBe(1);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    guard.kill();
    await run().catch(() => undefined);
    expect(w.sim.ledger.requests).toBe(1);
  });
});
