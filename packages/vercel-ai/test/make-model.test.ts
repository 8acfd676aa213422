import { generateText, streamText } from 'ai';
import { AgentKavach, Budget } from '@agentkavach/core';
import { spentNano } from '@agentkavach/core/testing';
import { describe, expect, it } from 'vitest';
import { guardModel } from '../src/index.ts';
import { world } from './world.ts';

describe('a guarded model object that knows how to make others', () => {
  it('is switched by onThreshold, in generate and stream, and priced by who answers', async () => {
    await using w = await world(() => ({ tokens: 40 }));
    const guard = new AgentKavach({ budget: Budget.total(1), onThreshold: { 0.5: { model: 'gpt-4o-mini' } } });
    const makeModel = (id: string) => w.openai.chat(id);
    const model = guardModel(w.openai.chat('gpt-4o'), guard, { makeModel });
    await generateText({ model, prompt: 'Hi' });
    guard.charge(0.6, 'a tool');
    await generateText({ model, prompt: 'Hi' });
    await streamText({ model, prompt: 'Hi' }).consumeStream();
    await w.sim.ledger.settled();
    expect(w.sim.ledger.entries.map(({ model }) => model)).toEqual(['gpt-4o', 'gpt-4o-mini', 'gpt-4o-mini']);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano() + 600_000_000);
  });
});
