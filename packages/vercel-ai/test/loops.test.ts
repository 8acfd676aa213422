/** detectLoops through the AI SDK: the conversation is read out of the prompt of each step. */
import { generateText, isStepCount, streamText, tool, wrapLanguageModel, type LanguageModel } from 'ai';
import { AgentKavach, Budget, findKavachError, LoopDetectedError, type KavachOptions } from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { guardModel, kavach } from '../src/index.ts';
import { world, type World } from './world.ts';

type Guardrails = KavachOptions['guardrails'];

function guarded(guardrails: Guardrails = { detectLoops: true }) {
  const onKill = vi.fn();
  return { guard: new AgentKavach({ budget: Budget.total(10), guardrails, onKill }), onKill };
}

/** One tool that answers each call with the next of its results, and the last for ever. */
function lookup(...results: readonly (string | Error)[]) {
  let n = 0;
  return tool({
    description: 'Looks up a word.',
    inputSchema: z.object({ word: z.string() }),
    execute: () => {
      const result = results[Math.min(n++, results.length - 1)];
      if (result instanceof Error) throw result;
      return result;
    },
  });
}

const SAME = () => ({ toolCalls: [{ name: 'lookup', arguments: { word: 'x' } }] });
const ASKS = { prompt: 'Go', stopWhen: isStepCount(30) };

function wrapped(w: World, guard: AgentKavach): LanguageModel {
  return wrapLanguageModel({ model: w.openai.chat('gpt-4o'), middleware: kavach(guard) });
}

describe('a stuck tool loop', () => {
  it.each<[string, (w: World) => LanguageModel & object]>([
    ['OpenAI Chat', (w) => w.openai.chat('gpt-4o')],
    ['OpenAI Responses', (w) => w.openai.responses('gpt-4o')],
    ['Anthropic', (w) => w.anthropic('claude-sonnet-4-5')],
    ['Google', (w) => w.google('gemini-2.5-flash')],
    ['Mistral', (w) => w.mistral('mistral-large-latest')],
  ])('ends after exactly four requests: %s', async (_, model) => {
    await using w = await world(SAME);
    const { guard, onKill } = guarded();
    const tools = { lookup: lookup('nothing found') };
    const error = findKavachError(
      await rejection(generateText({ model: guardModel(model(w), guard), tools, ...ASKS })),
    );
    expect(error).toBeInstanceOf(LoopDetectedError);
    expect(error).toMatchObject({ rule: 'repeated-call', count: 4, pattern: ['lookup({"word":"x"})'] });
    expect(w.sim.ledger.requests).toBe(4);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
    expect(onKill.mock.calls).toEqual([['loop']]);
  });

  it('ends a stream with an error part', async () => {
    await using w = await world(SAME);
    const { guard } = guarded();
    const seen: unknown[] = [];
    const onError = ({ error }: { error: unknown }): void => void seen.push(findKavachError(error));
    await streamText({ model: wrapped(w, guard), tools: { lookup: lookup('none') }, ...ASKS, onError }).consumeStream();
    expect(seen).toEqual([expect.any(LoopDetectedError)]);
    expect(w.sim.ledger.requests).toBe(4);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('ends after three errors', async () => {
    await using w = await world(SAME);
    const { guard } = guarded();
    const tools = { lookup: lookup(new Error('The index is offline.')) };
    const error = findKavachError(await rejection(generateText({ model: wrapped(w, guard), tools, ...ASKS })));
    expect(error).toMatchObject({ rule: 'repeated-error', count: 3 });
    expect(w.sim.ledger.requests).toBe(3);
  });

  it('ends after three rounds of a cycle, called one by one or at once', async () => {
    const call = (word: string) => ({ name: 'lookup', arguments: { word } });
    const byOne = await world(({ n }) => ({ toolCalls: [call(n % 2 === 0 ? 'a' : 'b')] }));
    await using _one = byOne;
    const tools = { lookup: lookup('none') };
    const first = await rejection(generateText({ model: wrapped(byOne, guarded().guard), tools, ...ASKS }));
    expect(findKavachError(first)).toMatchObject({ rule: 'cycle', count: 3 });
    expect(byOne.sim.ledger.requests).toBe(6);
    await using atOnce = await world(() => ({ toolCalls: [call('a'), call('b')] }));
    const second = await rejection(generateText({ model: wrapped(atOnce, guarded().guard), tools, ...ASKS }));
    expect(findKavachError(second)).toMatchObject({ rule: 'cycle', count: 3 });
    expect(atOnce.sim.ledger.requests).toBe(3);
  });

  it('ends at loopThreshold', async () => {
    await using w = await world(SAME);
    const { guard } = guarded({ detectLoops: true, loopThreshold: 7 });
    const error = await rejection(
      generateText({ model: wrapped(w, guard), tools: { lookup: lookup('none') }, ...ASKS }),
    );
    expect(findKavachError(error)).toBeInstanceOf(LoopDetectedError);
    expect(w.sim.ledger.requests).toBe(7);
  });
});

describe('a model object of another version of the specification', () => {
  it.each(['v2', 'v3', 'v4'])('%s is watched too', async (specificationVersion) => {
    const { guard } = guarded();
    const sent: unknown[] = [];
    const model = guardModel(
      {
        specificationVersion,
        provider: 'openai.chat',
        modelId: 'gpt-4o',
        supportedUrls: {},
        doGenerate: async (params: { prompt: unknown }) => {
          sent.push(params);
          return { content: [], usage: { inputTokens: 5, outputTokens: 1 } };
        },
        doStream: () => Promise.reject(new Error('not asked')),
      },
      guard,
    );
    const step = (n: number) => [
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: `c${n}`, toolName: 'f', input: {} }] },
      {
        role: 'tool',
        content: [{ type: 'tool-result', toolCallId: `c${n}`, toolName: 'f', output: { type: 'text', value: 'no' } }],
      },
    ];
    await model.doGenerate({ prompt: [1, 2, 3].flatMap(step) });
    const error = await rejection(model.doGenerate({ prompt: [1, 2, 3, 4].flatMap(step) }));
    expect(findKavachError(error)).toBeInstanceOf(LoopDetectedError);
    expect(sent).toHaveLength(1);
  });
});

describe('what is no loop', () => {
  it('polling whose results change', async () => {
    await using w = await world(({ n }) => (n <= 12 ? SAME() : { text: 'done' }));
    const { guard, onKill } = guarded();
    const progress = Array.from({ length: 12 }, (_, i) => `${i * 8} %`);
    const { steps } = await generateText({ model: wrapped(w, guard), tools: { lookup: lookup(...progress) }, ...ASKS });
    expect(steps).toHaveLength(13);
    expect(onKill).not.toHaveBeenCalled();
  });

  it('pages without results', async () => {
    await using w = await world(({ n }) =>
      n <= 12 ? { toolCalls: [{ name: 'lookup', arguments: { word: `page ${n}` } }] } : { text: 'done' },
    );
    const { guard } = guarded();
    const { steps } = await generateText({ model: wrapped(w, guard), tools: { lookup: lookup('none') }, ...ASKS });
    expect(steps).toHaveLength(13);
  });

  it('three agents at once, in one run, that do the same', async () => {
    await using w = await world(({ body }) =>
      JSON.stringify(body).split('"tool_call_id"').length <= 3 ? SAME() : { text: 'done' },
    );
    const { guard } = guarded();
    const model = wrapped(w, guard);
    const ask = () => generateText({ model, tools: { lookup: lookup('none') }, ...ASKS });
    const results = await guard.run(() => Promise.all([ask(), ask(), ask()]));
    expect(results.map(({ steps }) => steps.length)).toEqual([4, 4, 4]);
  });

  it('anything, without detectLoops', async () => {
    await using w = await world(SAME);
    const { guard } = guarded({});
    const { steps } = await generateText({ model: wrapped(w, guard), tools: { lookup: lookup('none') }, ...ASKS });
    expect(steps).toHaveLength(30);
  });
});

describe('a model that says the same for ever', () => {
  it('is stopped although it is told to go on', async () => {
    await using w = await world(() => ({ text: 'Shall I go on?' }));
    const { guard } = guarded();
    const model = wrapped(w, guard);
    const messages: { role: 'user' | 'assistant'; content: string }[] = [{ role: 'user', content: 'Do it.' }];
    const turn = async (): Promise<void> => {
      const { text } = await generateText({ model, messages });
      messages.push({ role: 'assistant', content: text }, { role: 'user', content: 'continue' });
    };
    for (let n = 0; n < 3; n++) await turn();
    expect(findKavachError(await rejection(turn()))).toMatchObject({ rule: 'repeated-message', count: 3 });
    expect(w.sim.ledger.requests).toBe(3);
  });
});
