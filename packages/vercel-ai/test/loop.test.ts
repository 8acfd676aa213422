import {
  generateText,
  isStepCount,
  RetryError,
  stepCountIs,
  streamText,
  tool,
  ToolLoopAgent,
  wrapLanguageModel,
} from 'ai';
import {
  AgentKavach,
  Budget,
  BudgetExceededError,
  CallLimitError,
  findKavachError,
  RuntimeLimitError,
  UnknownModelError,
} from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { kavach, kavachStopWhen } from '../src/index.ts';
import { world, type World } from './world.ts';

const lookup = tool({
  description: 'Looks up a word.',
  inputSchema: z.object({ word: z.string() }),
  execute: () => 'nothing found',
});
const LOOPS = () => ({ toolCalls: [{ name: 'lookup', arguments: { word: 'x' } }] });

function guardedModel(w: World, guard: AgentKavach) {
  return wrapLanguageModel({ model: w.openai.chat('gpt-4o'), middleware: kavach(guard) });
}

describe('a tool loop', () => {
  it('is stopped by maxCallsPerRun after exactly so many provider requests', async () => {
    await using w = await world(LOOPS);
    const guard = new AgentKavach({ budget: Budget.total(10), guardrails: { maxCallsPerRun: 3 } });
    const error = await rejection(
      generateText({ model: guardedModel(w, guard), tools: { lookup }, prompt: 'Go', stopWhen: isStepCount(50) }),
    );
    expect(findKavachError(error)).toBeInstanceOf(CallLimitError);
    expect(w.sim.ledger.requests).toBe(3);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('is stopped by the budget before the limit is passed', async () => {
    await using w = await world(() => ({ tokens: 60, ...LOOPS() }));
    const guard = new AgentKavach({ budget: Budget.total(0.02) });
    const error = await rejection(
      new ToolLoopAgent({ model: guardedModel(w, guard), tools: { lookup }, stopWhen: isStepCount(200) }).generate({
        prompt: 'Go',
      }),
    );
    expect(findKavachError(error)).toBeInstanceOf(BudgetExceededError);
    expect(w.sim.ledger.requests).toBeGreaterThan(2);
    expect(w.sim.ledger.totalNano()).toBeLessThanOrEqual(20_000_000);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    const requests = w.sim.ledger.requests;
    await rejection(generateText({ model: guardedModel(w, guard), prompt: 'Again' }));
    expect(w.sim.ledger.requests).toBe(requests);
  });

  it('ends normally with kavachStopWhen, and keeps its steps', async () => {
    await using w = await world(LOOPS);
    const guard = new AgentKavach({ budget: Budget.calls(3, 'daily') });
    const result = await generateText({
      model: guardedModel(w, guard),
      tools: { lookup },
      prompt: 'Go',
      stopWhen: [isStepCount(50), kavachStopWhen(guard)],
    });
    expect(result.steps).toHaveLength(3);
    expect(w.sim.ledger.requests).toBe(3);
  });

  it('counts client tool calls, also in streams', async () => {
    await using w = await world(LOOPS);
    const guard = new AgentKavach({ budget: Budget.total(10) });
    const model = guardedModel(w, guard);
    await generateText({ model, tools: { lookup }, prompt: 'Go', stopWhen: stepCountIs(2) });
    await streamText({ model, tools: { lookup }, prompt: 'Go', stopWhen: stepCountIs(2) }).consumeStream();
    expect(guard.status().run.toolCalls).toBe(4);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('is stopped although a tool swallows the refusal of a guarded model that it calls', async () => {
    await using w = await world(({ toolNames }) =>
      toolNames.length > 0 ? { toolCalls: [{ name: 'ask' }] } : { tokens: 20 },
    );
    const guard = new AgentKavach({ budget: Budget.calls(4, 'daily') });
    const model = guardedModel(w, guard);
    let swallowed = 0;
    const ask = tool({
      inputSchema: z.object({}),
      execute: async () => {
        try {
          return (await generateText({ model, prompt: 'inner' })).text;
        } catch {
          swallowed += 1;
          return 'It did not work.';
        }
      },
    });
    const result = await generateText({
      model,
      tools: { ask },
      prompt: 'outer',
      stopWhen: [isStepCount(50), kavachStopWhen(guard)],
    });
    expect(w.sim.ledger.requests).toBe(4);
    expect(result.steps).toHaveLength(2);
    expect(swallowed).toBe(0);
    const error = await rejection(generateText({ model, tools: { ask }, prompt: 'outer' }));
    expect(findKavachError(error)).toBeInstanceOf(BudgetExceededError);
    expect(w.sim.ledger.requests).toBe(4);
  });
});

describe('retries', () => {
  it('are calls of their own; error answers are not billed', async () => {
    await using w = await world(({ n }) => (n <= 2 ? { error: { status: 500, retryAfter: 0 } } : { tokens: 30 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    await generateText({ model: guardedModel(w, guard), prompt: 'Hi', maxRetries: 2 });
    expect(w.sim.ledger.requests).toBe(3);
    expect(guard.status().run.calls).toBe(3);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  }, 20_000);

  it('do not happen for a refusal', async () => {
    await using w = await world(() => ({ error: { status: 500, retryAfter: 0 } }));
    const guard = new AgentKavach({ budget: Budget.total(1), guardrails: { maxCallsPerRun: 1 } });
    const error = await rejection(generateText({ model: guardedModel(w, guard), prompt: 'Hi', maxRetries: 5 }));
    expect(RetryError.isInstance(error)).toBe(true);
    expect(findKavachError(error)).toBeInstanceOf(CallLimitError);
    expect(w.sim.ledger.requests).toBe(1);
  }, 20_000);

  it('release what was held when no connection is made or no key is set', async () => {
    const w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const model = guardedModel(w, guard);
    await w.sim.close();
    await rejection(generateText({ model, prompt: 'Hi', maxRetries: 0 }));
    expect(guard.status()).toMatchObject({ budgets: [{ spent: 0, reserved: 0 }], run: { calls: 0 } });
  });
});

describe('a model without a known price', () => {
  it('is refused before anything is sent, and the error is found in a stream', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const model = wrapLanguageModel({ model: w.openai.chat('no-such-model'), middleware: kavach(guard) });
    const error = await rejection(generateText({ model, prompt: 'Hi' }));
    expect(findKavachError(error)).toBeInstanceOf(UnknownModelError);
    const seen: unknown[] = [];
    const result = streamText({ model, prompt: 'Hi', onError: ({ error }) => void seen.push(error) });
    for await (const part of result.fullStream) if (part.type === 'error') seen.push(part.error);
    expect(seen.map(findKavachError)).toEqual([expect.any(UnknownModelError), expect.any(UnknownModelError)]);
    expect(w.sim.ledger.requests).toBe(0);
  });
});

describe('the same guard twice on one model', () => {
  it('charges once, and lets the call through a budget that has room for one', async () => {
    await using w = await world(() => ({ tokens: 100 }));
    const guard = new AgentKavach({ budget: [Budget.total(1), Budget.calls(2, 'daily')] });
    const inner = guardedModel(w, guard);
    const model = wrapLanguageModel({ model: inner, middleware: kavach(guard) });
    await generateText({ model, prompt: 'Hi' });
    await streamText({ model, prompt: 'Hi' }).text;
    expect(w.sim.ledger.requests).toBe(2);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(guard.status().budgets[1]).toMatchObject({ spent: 2 });
    expect(guard.status().run.calls).toBe(2);
  });

  it('charges once where a middleware between the layers rewrites the prompt', async () => {
    await using w = await world(() => ({ tokens: 100 }));
    const guard = new AgentKavach({ budget: Budget.calls(1, 'daily') });
    const model = wrapLanguageModel({
      model: guardedModel(w, guard),
      middleware: [
        kavach(guard),
        {
          specificationVersion: 'v4',
          transformParams: ({ params }) =>
            Promise.resolve({
              ...params,
              prompt: [{ role: 'system' as const, content: 'Be brief.' }, ...params.prompt],
            }),
        },
      ],
    });
    await generateText({ model, prompt: 'Hi' });
    expect(w.sim.ledger.requests).toBe(1);
    expect(guard.status().budgets[0]).toMatchObject({ spent: 1 });
  });
});

describe('a tool that never answers', () => {
  it('is ended by the run’s time, with its loop, where it heeds the signal', async () => {
    await using w = await world(LOOPS);
    const onKill: string[] = [];
    const guard = new AgentKavach({
      budget: Budget.total(1),
      guardrails: { maxRuntimeSeconds: 0.3 },
      onKill: (reason) => void onKill.push(reason),
    });
    const hangs = tool({
      inputSchema: z.object({ word: z.string() }),
      execute: (_, { abortSignal }) =>
        new Promise<string>((_resolve, reject) => {
          abortSignal?.addEventListener('abort', () => reject(abortSignal.reason as Error));
        }),
    });
    const error = await guard.run(({ signal }) =>
      rejection(
        generateText({
          model: guardedModel(w, guard),
          tools: { lookup: hangs },
          prompt: 'Go',
          stopWhen: isStepCount(9),
          abortSignal: signal,
        }),
      ),
    );
    expect(findKavachError(error)).toBeInstanceOf(RuntimeLimitError);
    expect(w.sim.ledger.requests).toBe(1);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(onKill).toEqual(['duration']);
  });

  it('times out by itself, and the loop goes on', async () => {
    await using w = await world(({ n }) => (n === 1 ? LOOPS() : { text: 'done' }));
    const guard = new AgentKavach({ budget: Budget.total(1), guardrails: { detectLoops: true } });
    const timesOut = tool({
      inputSchema: z.object({ word: z.string() }),
      execute: (): Promise<string> => Promise.reject(new DOMException('The operation timed out.', 'TimeoutError')),
    });
    const { text } = await generateText({
      model: guardedModel(w, guard),
      tools: { lookup: timesOut },
      prompt: 'Go',
      stopWhen: isStepCount(9),
    });
    expect(text).toBe('done');
    expect(guard.status()).toMatchObject({
      killed: false,
      run: { calls: 2, toolCalls: 1 },
      budgets: [{ reserved: 0 }],
    });
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });
});

describe('a limit that is raised while the loop runs', () => {
  it('lets it go on', async () => {
    await using w = await world(({ n }) => (n <= 5 ? LOOPS() : { text: 'done' }));
    const guard = new AgentKavach({ budget: Budget.calls(3, 'daily') });
    guard.on('threshold', ({ threshold }) => {
      if (threshold === 1) guard.setLimit('daily', 10);
    });
    const { steps } = await generateText({
      model: guardedModel(w, guard),
      tools: { lookup },
      prompt: 'Go',
      stopWhen: isStepCount(9),
    });
    expect(steps).toHaveLength(6);
    expect(w.sim.ledger.requests).toBe(6);
    expect(guard.status()).toMatchObject({ killed: false, budgets: [{ spent: 6, limit: 10 }] });
  });
});
