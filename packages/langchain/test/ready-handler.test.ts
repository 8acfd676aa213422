/** `kavachHandler` handed over as it stands, without a call: it guards, since LangChain takes a function for a handler. */
import { findKavachError, UnknownModelError } from '@agentkavach/core';
import { rejection, spentNano } from '@agentkavach/core/testing';
import { createAgent } from 'langchain';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { kavachHandler } from '../src/index.ts';
import { chatModel, drain, PROVIDERS, world } from './world.ts';

beforeEach(() => {
  // LangChain writes every error of a handler to the console.
  vi.spyOn(console, 'error').mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(PROVIDERS)('callbacks: [kavachHandler], with a model of %s', (provider) => {
  it('charges each call once to one guard, streamed or not', async () => {
    await using w = await world(() => ({ tokens: 40 }));
    const { guard } = kavachHandler;
    const before = spentNano(guard);
    const calls = guard.status().run.calls;
    const model = chatModel(w, provider);
    await model.invoke('Hi', { callbacks: [kavachHandler] });
    await drain(await model.stream('Hi', { callbacks: [kavachHandler] }));
    await createAgent({ model, tools: [] }).invoke({ messages: 'Hi' }, { callbacks: [kavachHandler] });
    expect(w.sim.ledger.requests).toBe(3);
    expect(guard.status().run.calls - calls).toBe(3);
    expect(spentNano(guard) - before).toBe(w.sim.ledger.totalNano());
  });
});

describe('callbacks: [kavachHandler]', () => {
  it('sends nothing where the guard refuses', async () => {
    await using w = await world();
    const model = chatModel(w, 'openai', { model: 'nobody-knows-it' });
    const error = await rejection(model.invoke('Hi', { callbacks: [kavachHandler] }));
    expect(findKavachError(error)).toBeInstanceOf(UnknownModelError);
    expect(w.sim.ledger.requests).toBe(0);
  });

  it('leaves the guards of its own calls apart', () => {
    expect(kavachHandler().guard).not.toBe(kavachHandler.guard);
    expect(kavachHandler.guard).toBe(kavachHandler.guard);
  });
});
