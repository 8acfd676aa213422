import { AgentKavach, Budget } from '@agentkavach/core';
import { spentNano } from '@agentkavach/core/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { kavach } from '../src/index.ts';
import { agent, mastraWith, world } from './world.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('onThreshold', () => {
  it.each(['generate', 'stream'] as const)('switches a model given by name (%s)', async (method) => {
    await using w = await world(() => ({ tokens: 40 }));
    vi.stubEnv('OPENAI_BASE_URL', w.sim.baseURL('openai'));
    vi.stubEnv('OPENAI_API_KEY', 'test');
    const guard = new AgentKavach({
      budget: Budget.total(1),
      prices: {},
      onThreshold: { 0.5: { model: 'gpt-4o-mini' } },
    });
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent('openai/gpt-4o') } }));
    const ask = async () => {
      if (method === 'generate') await mastra.getAgent('a').generate('Hi');
      else await (await mastra.getAgent('a').stream('Hi')).consumeStream();
    };
    await ask();
    guard.charge(0.6, 'a tool');
    await ask();
    await w.sim.ledger.settled();
    expect(w.sim.ledger.entries.map(({ model }) => model)).toEqual(['gpt-4o', 'gpt-4o-mini']);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano() + 600_000_000);
  });
});
