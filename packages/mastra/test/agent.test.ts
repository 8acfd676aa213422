import { AgentKavach, Budget, CallLimitError, findKavachError } from '@agentkavach/core';
import { rejection, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it } from 'vitest';
import { kavach } from '../src/index.ts';
import { agent, mastraWith, world } from './world.ts';

describe('an agent with a model object', () => {
  it('is charged what the provider billed, in generate and stream', async () => {
    await using w = await world(() => ({ tokens: 50 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(w.model()) } }));
    await mastra.getAgent('a').generate('Hi');
    await (
      await mastra.getAgent('a').stream('Hi')
    ).text;
    expect(w.sim.ledger.requests).toBe(2);
    expect(guard.status().run.calls).toBe(2);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('sends nothing once a limit is reached', async () => {
    await using w = await world(() => ({ tokens: 50 }));
    const guard = new AgentKavach({ budget: Budget.total(1), guardrails: { maxCallsPerRun: 1 } });
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(w.model()) } }));
    await mastra.getAgent('a').generate('Hi');
    const error = await rejection(mastra.getAgent('a').generate('Hi', { modelSettings: { maxRetries: 2 } }));
    expect(findKavachError(error)).toBeInstanceOf(CallLimitError);
    expect(w.sim.ledger.requests).toBe(1);
  });
});
