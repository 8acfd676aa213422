/** `invoke(x, { options })`: what ChatOpenAI hands to its client past LangChain, which must not take the guard off the call. */
import { HumanMessage } from '@langchain/core/messages';
import { AgentKavach, Budget, KilledError } from '@agentkavach/core';
import { rejection, reserved, spends, spentNano } from '@agentkavach/core/testing';
import { createAgent } from 'langchain';
import { describe, expect, it } from 'vitest';
import { guardChatModel, kavachMiddleware } from '../src/index.ts';
import { world, type World } from './world.ts';

const ENDPOINTS = { completions: false, responses: true };

function guardedModel(w: World, guard: AgentKavach, useResponsesApi: boolean) {
  return guardChatModel(w.openai({ useResponsesApi }), guard);
}

describe.each(Object.entries(ENDPOINTS))('options for the client of ChatOpenAI (%s)', (_, useResponsesApi) => {
  it.each(['alone', 'beside another signal'])('a signal there, %s, leaves the guard’s on the call', async (how) => {
    await using w = await world(() => ({ hang: true }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const beside = how === 'alone' ? {} : { signal: new AbortController().signal };
    const options = { options: { signal: new AbortController().signal }, ...beside };
    const next = w.sim.nextRequest();
    const error = rejection(guardedModel(w, guard, useResponsesApi).invoke('Hi', options));
    const { entry } = await next;
    guard.kill();
    expect(await error).toBeInstanceOf(KilledError);
    expect((await entry.done).outcome).toBe('hung'); // until the client was gone
    expect(reserved(guard)).toBe(0);
  });

  it('a signal there still ends the call, which is charged', async () => {
    await using w = await world(() => ({ hang: true }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const { all } = spends(guard);
    const own = new AbortController();
    const next = w.sim.nextRequest();
    const error = rejection(guardedModel(w, guard, useResponsesApi).invoke('Hi', { options: { signal: own.signal } }));
    const { entry } = await next;
    own.abort();
    expect(await error).toMatchObject({ name: 'AbortError' });
    expect((await entry.done).outcome).toBe('hung'); // until the client was gone
    expect(all).toMatchObject([{ estimated: true }]);
    expect(reserved(guard)).toBe(0);
  });

  it('retries there are calls of their own', async () => {
    await using w = await world(({ n }) => (n < 3 ? { error: { status: 500, retryAfter: 0 } } : { text: 'at last' }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const answer = await guardedModel(w, guard, useResponsesApi).invoke('Hi', { options: { maxRetries: 2 } });
    expect(answer.text).toBe('at last');
    expect([w.sim.ledger.requests, guard.status().run.calls]).toEqual([3, 3]);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  }, 20_000);

  it('the rest of them goes through', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const next = w.sim.nextRequest();
    await guardedModel(w, guard, useResponsesApi).invoke('Hi', { options: { headers: { 'x-team': 'blue' } } });
    expect((await next).request.headers['x-team']).toBe('blue');
  });
});

it('kavachMiddleware keeps its signal on a model that has such options bound', async () => {
  await using w = await world(() => ({ hang: true }));
  const guard = new AgentKavach({ budget: Budget.total(1) });
  const model = w.openai().withConfig({ options: { signal: new AbortController().signal } });
  const agent = createAgent({ model, tools: [], middleware: [kavachMiddleware(guard)] });
  const next = w.sim.nextRequest();
  const error = rejection(agent.invoke({ messages: [new HumanMessage('Hi')] }));
  const { entry } = await next;
  guard.kill();
  expect(await error).toMatchObject({ name: 'KilledError' });
  expect((await entry.done).outcome).toBe('hung'); // until the client was gone
});
