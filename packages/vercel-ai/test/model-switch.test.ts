/** onThreshold: a guarded provider makes the other model; a model object alone can't become one. */
import { generateText, streamText, wrapLanguageModel } from 'ai';
import { AgentKavach, Budget } from '@agentkavach/core';
import { spends, spentNano } from '@agentkavach/core/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { guardModel, kavach, kavachProvider } from '../src/index.ts';
import { world, type World } from './world.ts';

afterEach(() => void vi.restoreAllMocks());

function switching(agentName = 'switching', model = 'gpt-4o-mini', limit = 1) {
  return new AgentKavach({ agentName, budget: Budget.total(limit), onThreshold: { 0.5: { model } } });
}

const askedModels = (w: World): string[] => w.sim.ledger.entries.map(({ model }) => model);

describe('onThreshold with a guarded provider', () => {
  it('asks the other model from its share on, and charges its price', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const guard = switching();
    const openai = kavachProvider(w.openai, guard);
    await generateText({ model: openai.chat('gpt-4o'), prompt: 'Hi' });
    guard.charge(0.6, 'before');
    const { all } = spends(guard);
    await generateText({ model: openai.chat('gpt-4o'), prompt: 'Hi' });
    await streamText({ model: openai.responses('gpt-4o'), prompt: 'Hi' }).consumeStream();
    await w.sim.ledger.settled();
    expect(askedModels(w)).toEqual(['gpt-4o', 'gpt-4o-mini', 'gpt-4o-mini']);
    expect(all.map(({ model }) => model)).toEqual(['gpt-4o-mini', 'gpt-4o-mini']);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano() + 600_000_000);
  });

  it('keeps the provider’s interface and the settings of the model', async () => {
    await using w = await world();
    const guard = switching('settings', 'claude-haiku-4-5');
    const anthropic = kavachProvider(w.anthropic, guard);
    guard.charge(0.6, 'before');
    await generateText({ model: anthropic.languageModel('claude-sonnet-4-5'), prompt: 'Hi' });
    expect(askedModels(w)).toEqual(['claude-haiku-4-5']);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano() + 600_000_000);
  });

  it('switches once where two guarded layers hold the call', async () => {
    await using w = await world();
    const guard = switching('twice');
    const openai = kavachProvider(kavachProvider(w.openai, guard), guard);
    guard.charge(0.6, 'before');
    await generateText({ model: openai.chat('gpt-4o'), prompt: 'Hi' });
    expect(askedModels(w)).toEqual(['gpt-4o-mini']);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano() + 600_000_000);
    expect(guard.status().run.calls).toBe(1);
  });

  it('leaves a call with tools that the provider runs on its model', async () => {
    await using w = await world();
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const guard = switching('hosted', 'gpt-4o-mini', 100);
    const openai = kavachProvider(w.openai, guard);
    guard.charge(60, 'before');
    await generateText({
      model: openai.responses('gpt-4o'),
      tools: { web_search: w.openai.tools.webSearch({}) },
      prompt: 'Hi',
    });
    expect(askedModels(w)).toEqual(['gpt-4o']);
    expect(warn.mock.calls.flat().join()).toContain('agent hosted');
  });
});

describe('onThreshold with a model object', () => {
  it.each([
    [
      'kavach()',
      (w: World, guard: AgentKavach) =>
        wrapLanguageModel({ model: w.openai.chat('gpt-4o'), middleware: kavach(guard) }),
    ],
    ['guardModel()', (w: World, guard: AgentKavach) => guardModel(w.openai.chat('gpt-4o'), guard)],
  ])('goes on with the model, and says so once: %s', async (name, make) => {
    await using w = await world();
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const guard = switching(`fixed by ${name}`);
    const model = make(w, guard);
    guard.charge(0.6, 'before');
    await generateText({ model, prompt: 'Hi' });
    await generateText({ model, prompt: 'Hi' });
    expect(askedModels(w)).toEqual(['gpt-4o', 'gpt-4o']);
    const said = warn.mock.calls.flat().filter((text) => String(text).includes(`fixed by ${name}`));
    expect(said).toHaveLength(1);
  });
});
