import { AgentKavach, Budget, findKavachError, KilledError } from '@agentkavach/core';
import { rejection, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it, vi } from 'vitest';
import { kavach } from '../src/index.ts';
import { agent, forMastra, mastraWith, world } from './world.ts';

// The order matters: what is strict stays so for the whole process.
describe('an agent that belongs to no Mastra instance', () => {
  it('is told of, once, and not held', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const guard = new AgentKavach({ budget: Budget.total(1) });
    kavach(guard).register(mastraWith({}));
    const loner = agent(w.model(), { name: 'loner' });
    await loner.generate('Hi');
    await loner.generate('Hi');
    const told = warn.mock.calls.filter(([text]) => String(text).includes('the agent loner belongs to no Mastra'));
    warn.mockRestore();
    expect(told).toHaveLength(1);
    expect(spentNano(guard)).toBe(0);
  });

  it('is held through plugin.model(), without a word', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const plugin = kavach({ budget: Budget.total(1) });
    plugin.register(mastraWith({}));
    const loner = agent(plugin.model(w.openai.chat('gpt-4o')), { name: 'wrapped' });
    await loner.generate('Hi');
    expect(warn.mock.calls.filter(([text]) => String(text).includes('wrapped'))).toEqual([]);
    warn.mockRestore();
    expect(spentNano(plugin.guard)).toBe(w.sim.ledger.totalNano());
    expect(w.sim.ledger.requests).toBe(1);
  });

  it('is held by a strict plugin, with raw models for one call and from prepareStep too', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    kavach(guard, { strict: true }).register(mastraWith({}));
    const raw = forMastra(w.openai.chat('gpt-4o-mini'));
    const loner = agent(w.model());
    await loner.generate('Hi');
    await loner.generate('Hi', { model: raw });
    await loner.generate('Hi', { prepareStep: () => ({ model: raw }) });
    expect(w.sim.ledger.requests).toBe(3);
    expect(guard.status().run.calls).toBe(3);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    guard.kill();
    for (const options of [{}, { model: raw }, { prepareStep: () => ({ model: raw }) }]) {
      expect(findKavachError(await rejection(loner.generate('Hi', options)))).toBeInstanceOf(KilledError);
    }
    expect(w.sim.ledger.requests).toBe(3);
  });

  it('does not touch what another plugin covers', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const strict = new AgentKavach({ budget: Budget.total(1) });
    kavach(strict, { strict: true }).register(mastraWith({}));
    const own = new AgentKavach({ budget: Budget.total(1) });
    const mastra = kavach(own).register(mastraWith({ agents: { a: agent(w.model()) } }));
    await mastra.getAgent('a').generate('Hi');
    expect(spentNano(strict)).toBe(0);
    expect(spentNano(own)).toBe(w.sim.ledger.totalNano());
  });
});
