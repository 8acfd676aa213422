import { createTool } from '@mastra/core/tools';
import { AgentKavach, Budget, findKavachError, LoopDetectedError } from '@agentkavach/core';
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
const STUCK = () => ({ toolCalls: [{ name: 'look', arguments: { at: 1 } }] });
const guarded = () => new AgentKavach({ budget: Budget.total(10), guardrails: { detectLoops: true } });

describe('an agent that calls one tool again and again', () => {
  it('is stopped, and the error says what it did', async () => {
    await using w = await world(STUCK);
    const guard = guarded();
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(w.model(), { tools: { look } }) } }));
    const error = findKavachError(await rejection(mastra.getAgent('a').generate('Go', { maxSteps: 50 })));
    expect(error).toBeInstanceOf(LoopDetectedError);
    expect(error).toMatchObject({ count: 4 });
    expect(w.sim.ledger.requests).toBe(4);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('ends with a tripwire through the processor, its steps kept', async () => {
    await using w = await world(STUCK);
    const plugin = kavach(guarded());
    const a = agent(w.model(), { tools: { look }, inputProcessors: [plugin.processor()] });
    const mastra = plugin.register(mastraWith({ agents: { a } }));
    const { tripwire, steps } = await mastra.getAgent('a').generate('Go', { maxSteps: 50 });
    expect(tripwire).toMatchObject({ metadata: { code: 'KAVACH_LOOP_DETECTED', count: 4 } });
    expect(steps).toHaveLength(4);
    expect(w.sim.ledger.requests).toBe(4);
  });

  it('with new arguments each time is left alone', async () => {
    await using w = await world(({ n }) => ({ toolCalls: [{ name: 'look', arguments: { at: n } }] }));
    const a = agent(w.model(), { tools: { look } });
    const mastra = kavach(guarded()).register(mastraWith({ agents: { a } }));
    await mastra.getAgent('a').generate('Go', { maxSteps: 8 });
    expect(w.sim.ledger.requests).toBe(8);
  });
});
