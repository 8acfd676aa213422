import { AgentKavach, Budget, KilledError } from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { kavachHandler } from '../src/index.ts';
import { chatModel, world } from './world.ts';

beforeEach(() => {
  // LangChain writes every error of a handler to the console.
  vi.spyOn(console, 'error').mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

it.each(['openai', 'anthropic'] as const)('a kill in flight is what the caller is told: %s', async (provider) => {
  await using w = await world(() => ({ hang: true }));
  const guard = new AgentKavach({ budget: Budget.total(1) });
  const next = w.sim.nextRequest();
  const failed = rejection(chatModel(w, provider).invoke('Hi', kavachHandler(guard).config()));
  await next;
  guard.kill('manual');
  expect(await failed).toBeInstanceOf(KilledError);
});

it('an abort of the caller’s own stays one', async () => {
  await using w = await world(() => ({ hang: true }));
  const guard = new AgentKavach({ budget: Budget.total(1) });
  const user = new AbortController();
  const next = w.sim.nextRequest();
  const failed = rejection(w.openai().invoke('Hi', { callbacks: [kavachHandler(guard)], signal: user.signal }));
  await next;
  user.abort();
  expect(await failed).not.toBeInstanceOf(KilledError);
});

// Its integration does not wait for callbacks: an error in one would be an unhandled rejection, and leave the provider on the line.
it('a kill without config() is charged whole where nothing takes the provider off the line', async () => {
  let go = (): void => undefined;
  const killed = new Promise<void>((resolve) => (go = resolve));
  await using w = await world(() => ({ tokens: 900, hold: killed, holdAfterChunks: 2 }));
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  try {
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const read = async (): Promise<void> => {
      for await (const chunk of await w
        .mistral({ maxTokens: 1_000 })
        .stream('Hi', { callbacks: [kavachHandler(guard)] })) {
        if (chunk.text === '') continue;
        guard.kill('manual');
        go();
      }
    };
    expect(await rejection(read())).toBeInstanceOf(KilledError);
    await w.sim.ledger.settled();
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
    expect(unhandled).not.toHaveBeenCalled();
  } finally {
    process.off('unhandledRejection', unhandled);
  }
});
