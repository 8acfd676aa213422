import { createRequire } from 'node:module';
import type * as agents from '@mastra/core/agent';
import type * as core from '@mastra/core';
import { AgentKavach, Budget, ConfigError, findKavachError, KilledError } from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { kavach } from '../src/index.ts';
import { agent, forMastra, mastraWith, world } from './world.ts';

const require = createRequire(import.meta.url);

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a Mastra instance', () => {
  it.each(['object', 'name'])('with two guards is charged to both (model by %s)', async (by) => {
    await using w = await world(() => ({ tokens: 20 }));
    vi.stubEnv('OPENAI_BASE_URL', w.sim.baseURL('openai'));
    vi.stubEnv('OPENAI_API_KEY', 'test');
    const [first, second] = [
      new AgentKavach({ budget: Budget.total(1) }),
      new AgentKavach({ budget: Budget.calls(1, 'total') }),
    ];
    const mastra = mastraWith({ agents: { a: agent(by === 'object' ? w.model() : 'openai/gpt-4o') } });
    kavach(first).register(kavach(second).register(mastra));
    await mastra.getAgent('a').generate('Hi');
    expect(spentNano(first)).toBe(w.sim.ledger.totalNano());
    expect(second.status().run.calls).toBe(1);
    await rejection(mastra.getAgent('a').generate('Hi'));
    expect(w.sim.ledger.requests).toBe(1);
    expect(reserved(first)).toBe(0);
  });

  it('that is registered twice is charged once, and others not at all', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const mastra = mastraWith({ agents: { a: agent(w.model()) } });
    kavach(guard).register(kavach(guard).register(mastra));
    await mastra.getAgent('a').generate('Hi');
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    await mastraWith({ agents: { a: agent(w.model()) } })
      .getAgent('a')
      .generate('Hi');
    expect(guard.status().run.calls).toBe(1);
  });

  it('counts in the run around it, and for its user', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const guard = new AgentKavach({ budget: Budget.perUser(1, 'daily'), guardrails: { maxCallsPerRun: 1 } });
    const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(w.model()) } }));
    const ask = () => mastra.getAgent('a').generate('Hi');
    const spent = (user: string) => guard.run({ user }, () => spentNano(guard));
    await guard.run({ user: 'u1' }, ask);
    await guard.run({ user: 'u2' }, async () => {
      await (await mastra.getAgent('a').stream('Hi')).consumeStream();
      await rejection(ask());
    });
    expect(w.sim.ledger.requests).toBe(2);
    expect(spent('u1') + spent('u2')).toBe(w.sim.ledger.totalNano());
    expect(spent('u1')).toBeGreaterThan(0);
  });

  it('of Mastra’s CommonJS build is guarded too', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const { Mastra } = require('@mastra/core') as typeof core;
    const { Agent } = require('@mastra/core/agent') as typeof agents;
    const a = new Agent({ id: 'a', name: 'a', instructions: 'Answer.', model: w.model() });
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const mastra = kavach(guard).register(new Mastra({ logger: false, agents: { a } }));
    const raw = forMastra(w.openai.chat('gpt-4o-mini'));
    await mastra.getAgent('a').generate('Hi');
    await mastra.getAgent('a').generate('Hi', { prepareStep: () => ({ model: raw }) });
    expect(w.sim.ledger.requests).toBe(2);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    guard.kill();
    expect(findKavachError(await rejection(mastra.getAgent('a').generate('Hi')))).toBeInstanceOf(KilledError);
    expect(w.sim.ledger.requests).toBe(2);
  });
});

describe('a hard limit', () => {
  it('is not passed by many agents at once, and nothing stays held', async () => {
    await using w = await world(() => ({ tokens: 60 }));
    const guard = new AgentKavach({ budget: Budget.total(0.02), waitMs: 0 });
    const agents = Object.fromEntries(
      Array.from({ length: 5 }, (_, i) => [`a${i}`, agent(w.model(), { id: `a${i}`, name: `a${i}` })] as const),
    );
    const mastra = kavach(guard).register(mastraWith({ agents }));
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => mastra.getAgent(`a${i % 5}`).generate('Hi')),
    );
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(results.some(({ status }) => status === 'rejected')).toBe(true);
    expect(w.sim.ledger.totalNano()).toBeLessThanOrEqual(20_000_000);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  });

  it('refuses models of the AI SDK 4', async () => {
    const never = () => Promise.reject(new Error('sent'));
    const old = {
      specificationVersion: 'v1' as const,
      provider: 'openai.chat',
      modelId: 'gpt-4o',
      defaultObjectGenerationMode: 'json' as const,
      doGenerate: never,
      doStream: never,
    };
    const mastra = kavach({ budget: Budget.total(1) }).register(mastraWith({ agents: { a: agent(old) } }));
    const error = await rejection(mastra.getAgent('a').generateLegacy('Hi'));
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toMatch(/gpt-4o is one of the AI SDK 4/);
  });

  it('holds nothing for a model whose key is missing', async () => {
    vi.stubEnv('NETLIFY_TOKEN', '');
    vi.stubEnv('NETLIFY_SITE_ID', '');
    vi.stubEnv('OPENAI_API_KEY', '');
    for (const model of ['openai/gpt-4o', 'netlify/openai/gpt-4o']) {
      const guard = new AgentKavach({ budget: Budget.total(1) });
      const mastra = kavach(guard).register(mastraWith({ agents: { a: agent(model) } }));
      await rejection(mastra.getAgent('a').generate('Hi'));
      await (await mastra.getAgent('a').stream('Hi')).consumeStream();
      expect(guard.status()).toMatchObject({ budgets: [{ spent: 0, reserved: 0 }], run: { calls: 0 } });
    }
  });
});
