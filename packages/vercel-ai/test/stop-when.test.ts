/** kavachStopWhen: a loop ends exactly where the guard would refuse its next step. */
import {
  generateText,
  isStepCount,
  streamText,
  tool,
  wrapLanguageModel,
  type LanguageModel,
  type ModelMessage,
} from 'ai';
import { AgentKavach, Budget, findKavachError, type Budget as OneBudget } from '@agentkavach/core';
import { rejection, spentNano } from '@agentkavach/core/testing';
import { MockLanguageModelV4 } from 'ai/test';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { kavach, kavachProvider, kavachStopWhen } from '../src/index.ts';
import { world, type World } from './world.ts';

const ASKS = () => ({ toolCalls: [{ name: 'lookup', arguments: { word: 'x' } }] });

function toolThatSays(answer: () => string) {
  return {
    lookup: tool({
      description: 'Looks up a word.',
      inputSchema: z.object({ word: z.string() }),
      execute: async () => answer(),
    }),
  };
}

/** The ways to run a loop; each gives its steps and the messages of its next one. */
const WAYS = {
  async generateText(settings: Parameters<typeof generateText>[0] & { messages: ModelMessage[] }) {
    const { steps, responseMessages } = await generateText(settings);
    return { steps: steps.length, messages: [...settings.messages, ...responseMessages] };
  },
  async streamText(settings: Parameters<typeof streamText>[0] & { messages: ModelMessage[] }) {
    const result = streamText(settings);
    await result.consumeStream();
    return { steps: (await result.steps).length, messages: [...settings.messages, ...(await result.responseMessages)] };
  },
};

const PROVIDERS: Readonly<Record<string, (w: World) => LanguageModel & object>> = {
  openai: (w) => w.openai.chat('gpt-4o'),
  'openai responses': (w) => w.openai.responses('gpt-4.1'),
  anthropic: (w) => w.anthropic('claude-haiku-4-5'),
  google: (w) => w.google('gemini-2.0-flash'),
  mistral: (w) => w.mistral('mistral-small-latest'),
};

describe.each(Object.entries(WAYS))('a loop in %s', (_, run) => {
  it.each(Object.keys(PROVIDERS))(
    'of %s ends where the next step would be refused, and not before',
    async (provider) => {
      for (const limit of [2_000, 3_100, 4_700, 9_000]) {
        await using w = await world(ASKS);
        const guard = new AgentKavach({
          budget: [Budget.total(10), Budget.tokens(limit, 'total')],
          minOutputTokens: 64,
        });
        const inner = PROVIDERS[provider]!(w);
        const model = wrapLanguageModel({ model: inner, middleware: kavach(guard) });
        const tools = toolThatSays(() => 'nothing found here, look elsewhere '.repeat(5));
        const messages: ModelMessage[] = [{ role: 'user', content: 'Look it up.' }];
        const common = { model, tools, messages, maxOutputTokens: 64 };
        const ended = await run({ ...common, stopWhen: [isStepCount(50), kavachStopWhen(guard)] });
        await w.sim.ledger.settled();
        expect(ended.steps).toBeGreaterThan(0);
        expect(ended.steps).toBeLessThan(50);
        expect(w.sim.ledger.requests).toBe(ended.steps);
        expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
        expect(guard.status().killed).toBe(false);
        const error = await rejection(generateText({ ...common, messages: ended.messages, maxRetries: 0 }));
        expect(findKavachError(error)?.code, `${limit} tokens`).toBe('KAVACH_BUDGET_EXCEEDED');
        expect(w.sim.ledger.requests).toBe(ended.steps);
      }
    },
  );
});

async function stepsOf(
  script: () => object,
  guard: AgentKavach,
  answer: () => string,
  parallel = 1,
): Promise<number[]> {
  await using w = await world(script);
  const loops = Array.from({ length: parallel }, (_, at) =>
    generateText({
      model: wrapLanguageModel({ model: w.openai.chat('gpt-4o'), middleware: kavach(guard) }),
      tools: toolThatSays(at === 0 ? answer : () => 'nothing'),
      prompt: 'Look it up.',
      stopWhen: [isStepCount(6), kavachStopWhen(guard)],
    }),
  );
  return (await Promise.all(loops)).map(({ steps }) => steps.length);
}

describe('kavachStopWhen', () => {
  it('foresees a tool that answers at length', async () => {
    const guard = new AgentKavach({ budget: Budget.total(0.05) });
    expect(await stepsOf(ASKS, guard, () => 'every word costs '.repeat(24_000))).toEqual([1]);
  });

  it('foresees a loop', async () => {
    const guard = new AgentKavach({ budget: Budget.total(1), guardrails: { detectLoops: true } });
    expect(await stepsOf(ASKS, guard, () => 'nothing')).toEqual([4]);
  });

  it('judges each of two loops by its own conversation', async () => {
    const guard = new AgentKavach({ budget: Budget.total(0.1) });
    expect(await stepsOf(ASKS, guard, () => 'every word costs '.repeat(24_000), 2)).toEqual([1, 6]);
  });

  it('judges the next step at the price of the model that onThreshold switches to', async () => {
    await using w = await world(ASKS);
    const budget: OneBudget = Budget.total(0.05);
    const guard = new AgentKavach({ budget, onThreshold: { 0.5: { model: 'gpt-4o-mini' } } });
    guard.charge(0.045, 'before');
    const { steps } = await generateText({
      model: kavachProvider(w.openai, guard).chat('gpt-4o'),
      tools: toolThatSays(() => 'word '.repeat(2_000)),
      prompt: 'Look it up.',
      stopWhen: [isStepCount(3), kavachStopWhen(guard)],
    });
    expect(steps).toHaveLength(3); // at the price of gpt-4o, the first answer would have been too dear to send back
  });

  it('still ends a loop whose model has no headers to be known by, once the run is at a limit', async () => {
    await using w = await world(ASKS);
    const guard = new AgentKavach({ budget: Budget.calls(2, 'total') });
    const guarded = wrapLanguageModel({ model: w.openai.chat('gpt-4o'), middleware: kavach(guard) });
    const model = wrapLanguageModel({
      model: guarded,
      middleware: {
        wrapGenerate: async ({ doGenerate }) => {
          const { response: _, ...answer } = await doGenerate();
          return answer;
        },
      },
    });
    const { steps } = await generateText({
      model,
      tools: toolThatSays(() => 'nothing'),
      prompt: 'Look it up.',
      stopWhen: [isStepCount(6), kavachStopWhen(guard)],
    });
    expect(steps).toHaveLength(2);
  });

  it('foresees the refusal of a model that answers without HTTP', async () => {
    const guard = new AgentKavach({ budget: Budget.total(0.02) });
    const mock = new MockLanguageModelV4({
      provider: 'openai.chat',
      modelId: 'gpt-4o',
      doGenerate: async () => ({
        content: [{ type: 'tool-call', toolCallId: 'a', toolName: 'lookup', input: '{"word":"x"}' }],
        finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
        usage: {
          inputTokens: { total: 1_000, noCache: 1_000, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: 50, text: 50, reasoning: 0 },
        },
        warnings: [],
      }),
    });
    const { steps } = await generateText({
      model: wrapLanguageModel({ model: mock, middleware: kavach(guard) }),
      tools: toolThatSays(() => 'word '.repeat(200)),
      prompt: 'Look it up.',
      stopWhen: [isStepCount(50), kavachStopWhen(guard)],
    });
    expect(steps.length).toBeGreaterThan(1);
    expect(steps.length).toBeLessThan(10);
  });
});
