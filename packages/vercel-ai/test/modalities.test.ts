import {
  embed,
  embedMany,
  generateImage,
  generateObject,
  generateText,
  Output,
  streamObject,
  wrapEmbeddingModel,
  wrapImageModel,
  wrapLanguageModel,
} from 'ai';
import { AgentKavach, Budget, BudgetExceededError, findKavachError } from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { kavach, kavachEmbedding, kavachImage } from '../src/index.ts';
import { world } from './world.ts';

const schema = z.object({ name: z.string() });
const ANSWER = () => ({ text: '{"name":"Ada"}' });

describe('structured output', () => {
  it('is one call each, at the exact price', async () => {
    await using w = await world(ANSWER);
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const model = wrapLanguageModel({ model: w.openai('gpt-4o'), middleware: kavach(guard) });
    const { output } = await generateText({ model, prompt: 'Who?', output: Output.object({ schema }) });
    const { object } = await generateObject({ model, prompt: 'Who?', schema });
    const streamed = streamObject({ model, prompt: 'Who?', schema });
    for await (const _ of streamed.partialObjectStream);
    expect([output, object, await streamed.object]).toEqual([{ name: 'Ada' }, { name: 'Ada' }, { name: 'Ada' }]);
    await w.sim.ledger.settled();
    expect(guard.status().run.calls).toBe(3);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });
});

describe('embeddings', () => {
  it.each(['openai', 'mistral'] as const)('cost what %s bills, each chunk a call', async (provider) => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const inner =
      provider === 'openai'
        ? w.openai.embeddingModel('text-embedding-3-small')
        : w.mistral.embeddingModel('mistral-embed');
    const model = wrapEmbeddingModel({ model: inner, middleware: [kavachEmbedding(guard), kavachEmbedding(guard)] });
    await embed({ model, value: 'one' });
    const { embeddings } = await embedMany({ model, values: Array.from({ length: 40 }, (_, i) => `number ${i}`) });
    expect(embeddings).toHaveLength(40);
    expect(w.sim.ledger.totalNano()).toBeGreaterThan(0);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(guard.status().run.calls).toBe(w.sim.ledger.requests);
  });

  it('of Google, which reports no usage, are charged by the bound', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const model = wrapEmbeddingModel({
      model: w.google.embeddingModel('gemini-embedding-001'),
      middleware: kavachEmbedding(guard),
    });
    await embed({ model, value: 'A sentence to embed.' });
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  });

  it('are refused when they do not fit', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(0.000001) });
    const model = wrapEmbeddingModel({
      model: w.openai.embeddingModel('text-embedding-3-large'),
      middleware: kavachEmbedding(guard),
    });
    const error = await rejection(embed({ model, value: 'word '.repeat(200) }));
    expect(findKavachError(error)).toBeInstanceOf(BudgetExceededError);
    expect(w.sim.ledger.requests).toBe(0);
  });
});

describe('images', () => {
  it('cost what the provider bills', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(5) });
    const model = wrapImageModel({
      model: w.openai.imageModel('gpt-image-1'),
      middleware: [kavachImage(guard), kavachImage(guard)],
    });
    const { images } = await generateImage({ model, prompt: 'A lighthouse', n: 2 });
    expect(images).toHaveLength(2);
    await w.sim.ledger.settled();
    expect(guard.status().run.calls).toBe(w.sim.ledger.requests);
    expect(w.sim.ledger.totalNano()).toBeGreaterThan(0);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  });

  it('that are sent side by side are calls of their own', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.calls(2, 'daily'), waitMs: 0 });
    const model = wrapImageModel({ model: w.openai.imageModel('gpt-image-1'), middleware: kavachImage(guard) });
    const error = await rejection(
      generateImage({ model, prompt: 'A lighthouse', n: 3, maxImagesPerCall: 1, maxRetries: 0 }),
    );
    expect(findKavachError(error)).toBeInstanceOf(BudgetExceededError);
    await w.sim.started(2);
    await w.sim.ledger.settled();
    expect(w.sim.ledger.requests).toBe(2);
  });
});
