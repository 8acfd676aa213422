import { randomUUID } from 'node:crypto';
import { AgentKavach, Budget, BudgetExceededError } from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { kavachHandler } from '../src/index.ts';
import { runsOf } from '../src/runs.ts';
import { world } from './world.ts';

beforeEach(() => {
  // LangChain writes every error of a handler to the console.
  vi.spyOn(console, 'error').mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

it.each(['first', 'last'])('a call that one of two guards refuses stays held in neither (%s)', async (place) => {
  await using w = await world();
  const rich = new AgentKavach({ agentName: 'rich', budget: Budget.total(1) });
  const poor = new AgentKavach({ agentName: 'poor', budget: Budget.total(0.000_000_1) });
  const guards = place === 'first' ? [poor, rich] : [rich, poor];
  const error = await rejection(w.openai().invoke('Hi', { callbacks: guards.map((guard) => kavachHandler(guard)) }));
  expect(error).toBeInstanceOf(BudgetExceededError);
  expect(w.sim.ledger.requests).toBe(0);
  expect(reserved(rich)).toBe(0);
  expect(rich.status().run.calls).toBe(0);
  expect(runsOf(rich).size).toBe(0);
});

it('calls that run at once under one run id are each held', async () => {
  await using w = await world(() => ({ tokens: 40 }));
  const guard = new AgentKavach({ budget: Budget.calls(2, 'daily'), waitMs: 0 });
  const config = { runId: randomUUID(), callbacks: [kavachHandler(guard)] };
  const model = w.openai();
  const answers = await Promise.allSettled(['a', 'b', 'c'].map((text) => model.invoke(text, config)));
  expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  expect(w.sim.ledger.requests).toBe(2);
  expect(guard.status().run.calls).toBe(2);
});

it.each(['openai', 'anthropic', 'google', 'mistral'] as const)(
  'a stream that two handlers of a guard hear is charged once (%s)',
  async (provider) => {
    await using w = await world(() => ({ tokens: 40, toolCalls: [{ name: 'lookup', arguments: { page: 1 } }] }));
    const guard = new AgentKavach({ budget: Budget.total(1), guardrails: { maxToolCallsPerRun: 2 } });
    const model = w[provider]({ callbacks: [kavachHandler(guard)] });
    for await (const chunk of await model.stream('Hi', kavachHandler(guard).config())) expect(chunk).toBeDefined();
    await w.sim.ledger.settled();
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(guard.status().run).toMatchObject({ calls: 1, toolCalls: 1 });
  },
);
