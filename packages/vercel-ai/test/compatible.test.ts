import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText, wrapLanguageModel } from 'ai';
import { AgentKavach, Budget, UnknownModelError, findKavachError } from '@agentkavach/core';
import { rejection, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it } from 'vitest';
import { guardModel, kavach } from '../src/index.ts';
import { world } from './world.ts';

const PRICE = { inputPerMillion: 2.5, outputPerMillion: 10 };

describe('an OpenAI-compatible provider (V3 models)', () => {
  it('is held and priced like any other, with the price that the user gives', async () => {
    await using w = await world(() => ({ tokens: 5000 }));
    const guard = new AgentKavach({ budget: Budget.total(0.05), prices: { 'gpt-4o': PRICE } });
    const proxy = createOpenAICompatible({
      name: 'my-proxy',
      baseURL: w.sim.baseURL('openai'),
      apiKey: 'x',
      includeUsage: true,
    });
    // The option would override the cap in the body.
    const providerOptions = { 'my-proxy': { max_tokens: 100_000 } };
    const model = wrapLanguageModel({ model: proxy('gpt-4o'), middleware: kavach(guard) });
    await streamText({ model: guardModel(proxy('gpt-4o'), guard), prompt: 'Hi' }).text;
    await generateText({ model, prompt: 'Hi', providerOptions });
    await w.sim.ledger.settled();
    expect(w.sim.ledger.requests).toBe(2);
    expect(w.sim.ledger.entries[1]?.usage.outputTokens).toBeLessThan(5000);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(w.sim.ledger.totalNano()).toBeLessThanOrEqual(50_000_000);
  });

  it('without a price is refused', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const proxy = createOpenAICompatible({ name: 'my-proxy', baseURL: w.sim.baseURL('openai'), apiKey: 'x' });
    const model = wrapLanguageModel({ model: proxy('house-model-1'), middleware: kavach(guard) });
    expect(findKavachError(await rejection(generateText({ model, prompt: 'Hi' })))).toBeInstanceOf(UnknownModelError);
    expect(w.sim.ledger.requests).toBe(0);
  });
});
