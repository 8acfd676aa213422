import { generateText, streamText, wrapLanguageModel } from 'ai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { AgentKavach, Budget } from '@agentkavach/core';
import { reserved, spentNano } from '@agentkavach/core/testing';
import type { Reply } from '@agentkavach/simulator';
import { describe, expect, it } from 'vitest';
import { kavach } from '../src/index.ts';
import { world, type World } from './world.ts';

const CASES: readonly [string, (world: World) => LanguageModelV4, Reply][] = [
  ['OpenAI chat', (w) => w.openai.chat('gpt-4o'), { tokens: 120, usage: { inputTokens: 3000, cacheRead: 2048 } }],
  [
    'OpenAI Responses',
    (w) => w.openai('gpt-5'),
    { tokens: 90, reasoningTokens: 64, usage: { inputTokens: 700, cacheRead: 512 } },
  ],
  [
    'OpenAI cache writes',
    (w) => w.openai('gpt-5.6-sol'),
    { tokens: 9, usage: { inputTokens: 4020, cacheWrite: 4012 } },
  ],
  ['OpenAI priority', (w) => w.openai('gpt-4o'), { tokens: 50, serviceTier: 'priority' }],
  ['OpenAI answered by another model', (w) => w.openai('gpt-4o'), { tokens: 50, model: 'gpt-4o-mini' }],
  [
    'Anthropic',
    (w) => w.anthropic('claude-sonnet-4-5'),
    {
      tokens: 77,
      reasoningTokens: 40,
      usage: { inputTokens: 9000, cacheRead: 4000, cacheWrite: 1000, cacheWrite1h: 500 },
    },
  ],
  ['Anthropic, long context', (w) => w.anthropic('claude-sonnet-4-5'), { tokens: 7, usage: { inputTokens: 200_001 } }],
  [
    'Google',
    (w) => w.google('gemini-2.5-flash'),
    { tokens: 60, reasoningTokens: 200, usage: { inputTokens: 5000, cacheRead: 3000, toolUsePrompt: 700 } },
  ],
  ['Mistral', (w) => w.mistral('mistral-large-latest'), { tokens: 88 }],
  ['Mistral reasoning', (w) => w.mistral('magistral-medium-latest'), { tokens: 30, reasoningTokens: 55 }],
];

describe.each(CASES)('the cost of a call: %s', (_name, modelOf, reply) => {
  it.each(['generateText', 'streamText'] as const)(
    'equals what the provider bills to the nano-dollar, through %s',
    async (api) => {
      await using w = await world(() => reply);
      const guard = new AgentKavach({ budget: Budget.total(10) });
      const model = wrapLanguageModel({ model: modelOf(w), middleware: kavach(guard) });
      if (api === 'generateText') await generateText({ model, prompt: 'How are you?' });
      else expect(await streamText({ model, prompt: 'How are you?' }).text).not.toBe('');
      await w.sim.ledger.settled();

      expect(w.sim.ledger.requests).toBe(1);
      expect(w.sim.ledger.totalNano()).toBeGreaterThan(0);
      expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
      expect(reserved(guard)).toBe(0);
      expect(guard.status().run.calls).toBe(1);
    },
  );
});

describe('usage that the provider leaves out', () => {
  it('is charged, never free', async () => {
    await using w = await world(() => ({ tokens: 40, omitUsage: true }));
    const guard = new AgentKavach({ budget: Budget.total(10) });
    const model = wrapLanguageModel({ model: w.openai.chat('gpt-4o'), middleware: kavach(guard) });
    await generateText({ model, prompt: 'Hi' });
    const afterGenerate = spentNano(guard);
    expect(afterGenerate).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
    await streamText({ model, prompt: 'Hi' }).text;
    expect(spentNano(guard) - afterGenerate).toBeGreaterThan(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });
});
