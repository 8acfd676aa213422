import type { Agent } from '@mastra/core/agent';
import { createScorer } from '@mastra/core/evals';
import type { Mastra } from '@mastra/core';
import { ModerationProcessor } from '@mastra/core/processors';
import { InMemoryStore } from '@mastra/core/storage';
import { createTool } from '@mastra/core/tools';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { rejection, reserved, spends, spentNano } from '@agentkavach/core/testing';
import { Memory } from '@mastra/memory';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { kavach } from '../src/index.ts';
import { agent, mastraWith, world, type World } from './world.ts';

interface Case {
  readonly mastra: Mastra;
  /** Makes the calls. */
  readonly run: () => PromiseLike<unknown>;
  /** How many requests that is. */
  readonly requests: number;
}

const ask = async (mastra: Mastra, key = 'a') => {
  await mastra.getAgent(key).generate('Hi');
  await (await mastra.getAgent(key).stream('Hi')).consumeStream();
};

const single = (model: (w: World) => ConstructorParameters<typeof Agent>[0]['model']) => {
  return (w: World): Case => {
    const mastra = mastraWith({ agents: { a: agent(model(w)) } });
    return { mastra, run: () => ask(mastra), requests: 2 };
  };
};

const KINDS: Record<string, (w: World) => Case> = {
  'a model object': single((w) => w.model()),
  'a model given by name': single(() => 'openai/gpt-4o'),
  'a model with a URL of its own': single((w) => ({
    id: 'openai/gpt-4o',
    url: w.sim.baseURL('openai'),
    apiKey: 'test',
  })),
  'a function that gives a model object': single((w) => () => w.model()),
  'a function that gives a name': single(() => () => 'openai/gpt-4o'),
  'a fallback list': single((w) => [{ model: w.model() }, { model: 'openai/gpt-4o-mini' }]),
  'a function that gives a fallback list': single((w) => () => [
    { model: w.model() },
    { model: w.model('gpt-4o-mini') },
  ]),
  'an agent that is added later': (w) => {
    const mastra = mastraWith({});
    return {
      mastra,
      run: () => {
        mastra.addAgent(agent(w.model()), 'late');
        return ask(mastra, 'late');
      },
      requests: 2,
    };
  },
  'a model that is exchanged later': (w) => {
    const mastra = mastraWith({ agents: { a: agent(w.model()) } });
    return {
      mastra,
      run: () => {
        mastra.getAgent('a').__updateModel({ model: w.model('gpt-4o-mini') });
        return ask(mastra);
      },
      requests: 2,
    };
  },
  'a model given for one call': (w) => {
    const mastra = mastraWith({ agents: { a: agent(w.model()) } });
    return { mastra, run: () => mastra.getAgent('a').generate('Hi', { model: w.model('gpt-4o-mini') }), requests: 1 };
  },
  'a raw model from prepareStep': (w) => {
    const mastra = mastraWith({ agents: { a: agent(w.model()) } });
    return {
      mastra,
      run: () => mastra.getAgent('a').generate('Hi', { prepareStep: () => ({ model: w.model('gpt-4o-mini') }) }),
      requests: 1,
    };
  },
  'a name from prepareStep': () => {
    const mastra = mastraWith({ agents: { a: agent('openai/gpt-4o') } });
    return {
      mastra,
      run: () => mastra.getAgent('a').generate('Hi', { prepareStep: () => ({ model: 'openai/gpt-4o-mini' }) }),
      requests: 1,
    };
  },
  'a raw model from a processor': (w) => {
    const swap = { id: 'swap', processInputStep: () => ({ model: w.model('gpt-4o-mini') }) };
    const mastra = mastraWith({ agents: { a: agent(w.model(), { inputProcessors: [swap] }) } });
    return { mastra, run: () => ask(mastra), requests: 2 };
  },
  'an agent in a workflow’s step, which Mastra does not know': (w) => {
    const step = createStep(agent(w.model()));
    const workflow = createWorkflow({
      id: 'w',
      inputSchema: z.object({ prompt: z.string() }),
      outputSchema: z.object({ text: z.string() }),
    })
      .then(step)
      .commit();
    const mastra = mastraWith({ workflows: { w: workflow } });
    return {
      mastra,
      run: async () => {
        const result = await (await mastra.getWorkflow('w').createRun()).start({ inputData: { prompt: 'Hi' } });
        if (result.status === 'failed') throw result.error;
        return result;
      },
      requests: 1,
    };
  },
  'an agent that a tool calls, which Mastra does not know': (w) => {
    const inner = agent(w.model('gpt-4o-mini'), { id: 'inner' });
    const tool = createTool({
      id: 'ask',
      description: 'Asks.',
      inputSchema: z.object({}),
      execute: async () => ({ text: (await inner.generate('inner')).text }),
    });
    const mastra = mastraWith({ agents: { a: agent(w.model(), { tools: { ask: tool } }) } });
    return { mastra, run: () => mastra.getAgent('a').generate('call ask'), requests: 3 };
  },
  'the model that structures the output': (w) => {
    const mastra = mastraWith({ agents: { a: agent(w.model()) } });
    return {
      mastra,
      run: () =>
        mastra.getAgent('a').generate('Hi', {
          structuredOutput: {
            schema: z.object({ n: z.number() }),
            model: w.model('gpt-4o-mini'),
            errorStrategy: 'fallback',
            fallbackValue: { n: 0 },
          },
        }),
      requests: 2,
    };
  },
  'a processor with a model': (w) => {
    const moderation = new ModerationProcessor({ model: w.model('gpt-4o-mini') });
    const mastra = mastraWith({ agents: { a: agent(w.model(), { inputProcessors: [moderation] }) } });
    return { mastra, run: () => mastra.getAgent('a').generate('Hi'), requests: 2 };
  },
  'a scorer’s judge': (w) => {
    const scorer = createScorer({
      id: 's',
      description: 'Scores.',
      judge: { model: w.model('gpt-4o-mini'), instructions: 'Judge.' },
    })
      .analyze({ description: 'a', outputSchema: z.object({}), createPrompt: () => 'Judge it' })
      .generateScore(() => 1);
    const mastra = mastraWith({ scorers: { s: scorer } });
    return {
      mastra,
      run: () => mastra.getScorer('s').run({ input: [], output: 'x' }),
      requests: 1,
    };
  },
  'the title of a thread': (w) => {
    const memory = new Memory({ options: { generateTitle: { model: w.model('gpt-4o-mini') } } });
    const mastra = mastraWith({ storage: new InMemoryStore(), agents: { a: agent(w.model(), { memory }) } });
    return {
      mastra,
      run: async () => {
        await mastra.getAgent('a').generate('Hi', { memory: { thread: 't', resource: 'r' } });
        await vi.waitFor(() => expect(w.sim.ledger.requests).toBe(2));
        await w.sim.ledger.settled();
      },
      requests: 2,
    };
  },
};

afterEach(() => {
  vi.unstubAllEnvs();
});

async function start(kind: string) {
  const w = await world(({ n, text }) => {
    if (n === 1 && text.includes('call ask')) return { toolCalls: [{ name: 'ask', arguments: {} }] };
    return text.includes('Judge it') ? { text: '{}' } : { tokens: 40 };
  });
  vi.stubEnv('OPENAI_BASE_URL', w.sim.baseURL('openai'));
  vi.stubEnv('OPENAI_API_KEY', 'test');
  return { w, ...(KINDS[kind] as (w: World) => Case)(w) };
}

describe.each(Object.keys(KINDS))('%s', (kind) => {
  it('is charged once, what the provider billed', async () => {
    const { w, mastra, run, requests } = await start(kind);
    await using _ = w;
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const { all } = spends(guard);
    kavach(guard).register(mastra);
    await run();
    await w.sim.ledger.settled();
    expect(w.sim.ledger.requests).toBe(requests);
    expect(guard.status().run.calls).toBe(requests);
    expect(reserved(guard)).toBe(0);
    // Mastra asks a model with a URL of its own for no usage of its streams.
    if (all.some(({ estimated }) => estimated)) {
      expect(kind).toBe('a model with a URL of its own');
      expect(spentNano(guard)).toBeGreaterThan(w.sim.ledger.totalNano());
    } else expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('sends nothing when the guard refuses', async () => {
    const { w, mastra, run } = await start(kind);
    await using _ = w;
    const guard = new AgentKavach({ budget: Budget.total(1) });
    kavach(guard).register(mastra);
    guard.kill();
    const error = await rejection(run());
    // Workflows hand on copies of errors, without their class.
    expect(findKavachError(error)?.code ?? JSON.stringify(error)).toContain('KAVACH_KILLED');
    expect(w.sim.ledger.requests).toBe(0);
  });
});
