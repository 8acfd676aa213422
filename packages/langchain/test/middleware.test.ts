import { HumanMessage } from '@langchain/core/messages';
import {
  AgentKavach,
  Budget,
  BudgetExceededError,
  CallLimitError,
  findKavachError,
  KilledError,
  LoopDetectedError,
  ToolLimitError,
} from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { createAgent, initChatModel, providerStrategy, tool } from 'langchain';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { guardChatModel, kavachHandler, kavachMiddleware } from '../src/index.ts';
import { builtIn, chatModel, drain, PROVIDERS, world } from './world.ts';

const lookup = tool(() => 'nothing found', {
  name: 'lookup',
  description: 'Looks up a word.',
  schema: z.object({ word: z.string() }),
});
const LOOPS = () => ({ toolCalls: [{ name: 'lookup', arguments: { word: 'x' } }] });
const GO = { messages: [new HumanMessage('Go')] };

describe.each(PROVIDERS)('an agent with a model of %s', (provider) => {
  it('is stopped by maxCallsPerRun after exactly so many provider requests', async () => {
    await using w = await world(LOOPS);
    const guard = new AgentKavach({ budget: Budget.total(10), guardrails: { maxCallsPerRun: 3 } });
    const agent = createAgent({
      model: chatModel(w, provider),
      tools: [lookup],
      middleware: [kavachMiddleware(guard)],
    });
    expect(findKavachError(await rejection(agent.invoke(GO)))).toBeInstanceOf(CallLimitError);
    expect(w.sim.ledger.requests).toBe(3);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  });

  it('is stopped by the budget before the limit is passed', async () => {
    await using w = await world(() => ({ tokens: 60, ...LOOPS() }));
    const guard = new AgentKavach({ budget: Budget.total(0.02) });
    const agent = createAgent({
      model: chatModel(w, provider),
      tools: [lookup],
      middleware: [kavachMiddleware(guard)],
    });
    const error = await rejection(agent.invoke(GO, { recursionLimit: 1_000 }));
    expect(findKavachError(error)).toBeInstanceOf(BudgetExceededError);
    expect(w.sim.ledger.requests).toBeGreaterThan(1);
    expect(w.sim.ledger.totalNano()).toBeLessThanOrEqual(20_000_000);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });
});

describe('kavachMiddleware', () => {
  it('ends the agent with its messages where exitBehavior is end', async () => {
    await using w = await world(LOOPS);
    const guard = new AgentKavach({ budget: Budget.calls(2, 'daily') });
    const middleware = [kavachMiddleware(guard, { exitBehavior: 'end' })];
    const agent = createAgent({ model: w.openai(), tools: [lookup], middleware });
    const { messages } = await agent.invoke(GO);
    expect(messages).toHaveLength(6);
    expect(messages.at(-1)?.text).toContain('limit 2 calls');
    expect(messages.at(-1)?.response_metadata).toMatchObject({ agentkavach: { code: 'KAVACH_BUDGET_EXCEEDED' } });
    expect(w.sim.ledger.requests).toBe(2);
  });

  it('counts parallel tools, and stops at their limit', async () => {
    await using w = await world(() => ({
      toolCalls: [1, 2, 3].map((n) => ({ name: 'lookup', arguments: { word: `${n}` } })),
    }));
    const guard = new AgentKavach({ budget: Budget.total(10), guardrails: { maxToolCallsPerRun: 5 } });
    const agent = createAgent({ model: w.openai(), tools: [lookup], middleware: [kavachMiddleware(guard)] });
    expect(findKavachError(await rejection(agent.invoke(GO)))).toBeInstanceOf(ToolLimitError);
    expect(guard.status().run.toolCalls).toBe(6);
    expect(w.sim.ledger.requests).toBe(2);
  });

  it('guards structured output, and streams of every version', async () => {
    await using w = await world(() => ({ text: '{"word":"hello"}' }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const agent = createAgent({
      model: w.openai(),
      tools: [],
      responseFormat: providerStrategy(z.object({ word: z.string() })),
      middleware: [kavachMiddleware(guard)],
    });
    expect((await agent.invoke(GO)).structuredResponse).toEqual({ word: 'hello' });
    for (const streamMode of ['messages', 'updates'] as const) await drain(agent.stream(GO, { streamMode }));
    await drain(await agent.streamEvents(GO, { version: 'v3' }));
    await drain(agent.streamEvents(GO, { version: 'v2' }));
    expect(w.sim.ledger.requests).toBe(5);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  });

  it('switches the model at a threshold, and keeps tools and structured output', async () => {
    await using w = await world(({ n }) => (n === 1 ? LOOPS() : { text: '{"word":"hello"}' }));
    const guard = new AgentKavach({ budget: Budget.total(1), onThreshold: { 0.5: { model: 'gpt-4o-mini' } } });
    guard.charge(0.6, 'before');
    const agent = createAgent({
      model: await initChatModel('openai:gpt-4o', {
        apiKey: 'test',
        configuration: { baseURL: w.sim.baseURL('openai') },
      }),
      tools: [lookup],
      responseFormat: providerStrategy(z.object({ word: z.string() })),
      middleware: [kavachMiddleware(guard)],
    });
    expect((await agent.invoke(GO)).structuredResponse).toEqual({ word: 'hello' });
    expect(w.sim.ledger.entries.map(({ requestedModel }) => requestedModel)).toEqual(['gpt-4o-mini', 'gpt-4o-mini']);
    expect(spentNano(guard)).toBe(600_000_000 + w.sim.ledger.totalNano());
  });

  it('guards each retry and fallback of middlewares around it', async () => {
    await using w = await world(({ model }) => (model === 'gpt-4o' ? { error: { status: 500 } } : { tokens: 20 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const agent = createAgent({
      model: w.openai(),
      tools: [],
      middleware: [
        builtIn.modelFallback(w.openai({ model: 'gpt-4o-mini' })),
        builtIn.modelRetry({ maxRetries: 2, initialDelayMs: 1, onFailure: 'error' }),
        kavachMiddleware(guard),
      ],
    });
    await agent.invoke(GO);
    expect(w.sim.ledger.requests).toBe(4);
    expect(guard.status().run.calls).toBe(4);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('guards sub-agents in their own agents, all on one budget', async () => {
    await using w = await world(({ toolNames, n }) =>
      toolNames.includes('research') && n < 4 ? { toolCalls: [{ name: 'research' }] } : { tokens: 20 },
    );
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const middleware = [kavachMiddleware(guard)];
    const inner = createAgent({ model: w.anthropic(), tools: [], middleware });
    const research = tool(async () => (await inner.invoke(GO)).messages.at(-1)?.text ?? '', {
      name: 'research',
      description: 'researches',
      schema: z.object({}),
    });
    await createAgent({ model: w.openai(), tools: [research], middleware }).invoke(GO);
    expect(w.sim.ledger.requests).toBe(5);
    expect(guard.status().run.calls).toBe(5);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('leaves a middleware’s own calls to a guarded model', async () => {
    await using w = await world(() => ({ tokens: 20 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const agent = createAgent({
      model: w.openai(),
      tools: [],
      middleware: [
        builtIn.summarization({
          model: guardChatModel(w.openai(), guard),
          trigger: { messages: 4 },
          keep: { messages: 1 },
        }),
        kavachMiddleware(guard),
      ],
    });
    await agent.invoke({ messages: ['a', 'b', 'c', 'd', 'e'].map((text) => new HumanMessage(text)) });
    expect(w.sim.ledger.requests).toBe(2);
    expect(guard.status().run.calls).toBe(2);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('stops a loop of equal calls with equal results, and lets new arguments pass', async () => {
    await using w = await world(LOOPS);
    const guard = new AgentKavach({ budget: Budget.total(1), guardrails: { detectLoops: true } });
    const middleware = [kavachMiddleware(guard)];
    const error = await rejection(createAgent({ model: w.openai(), tools: [lookup], middleware }).invoke(GO));
    expect(findKavachError(error)).toBeInstanceOf(LoopDetectedError);
    expect(w.sim.ledger.requests).toBe(4);
    guard.resume();
    w.sim.script(({ n }) =>
      n < 14 ? { toolCalls: [{ name: 'lookup', arguments: { word: `${n}` } }] } : { tokens: 5 },
    );
    await createAgent({ model: w.openai(), tools: [lookup], middleware }).invoke(GO, { recursionLimit: 50 });
    expect(w.sim.ledger.requests).toBe(14);
  });

  it('charges two guards of one agent once each', async () => {
    await using w = await world(LOOPS);
    const team = new AgentKavach({ agentName: 'team', budget: Budget.total(1), guardrails: { maxCallsPerRun: 2 } });
    const own = new AgentKavach({ agentName: 'own', budget: Budget.total(1) });
    const middleware = [kavachMiddleware(team), kavachMiddleware(own)];
    const agent = createAgent({ model: w.openai(), tools: [lookup], middleware });
    expect(findKavachError(await rejection(agent.invoke(GO)))).toBeInstanceOf(CallLimitError);
    expect(w.sim.ledger.requests).toBe(2);
    for (const guard of [team, own]) {
      expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
      expect(reserved(guard)).toBe(0);
    }
  });

  it('breaks off a call in flight when the agent is killed', async () => {
    await using w = await world(() => ({ hang: true }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const agent = createAgent({ model: w.openai(), tools: [], middleware: [kavachMiddleware(guard)] });
    const next = w.sim.nextRequest();
    const error = rejection(agent.invoke(GO));
    const { entry } = await next;
    guard.kill();
    expect(findKavachError(await error)).toBeInstanceOf(KilledError);
    expect((await entry.done).outcome).not.toBe('completed');
  });

  it.each([
    [{ exitBehaviour: 'end' }, /no setting exitBehaviour/],
    [{ exitBehavior: 'throw' }, /must be 'error' or 'end'/],
    [7, /must be an object/],
  ])('refuses wrong settings: %o', (settings, message) => {
    expect(() => kavachMiddleware({ budget: Budget.total(1) }, settings as never)).toThrow(message);
  });
});

it('a retry around it that asks findKavachError() ends with the first refusal', async () => {
  await using w = await world();
  const guard = new AgentKavach({ budget: Budget.total(0.000_000_1) });
  const denied = vi.fn();
  guard.on('denied', denied);
  const retryOn = (error: unknown): boolean => findKavachError(error) === undefined;
  const middleware = [builtIn.modelRetry({ maxRetries: 3, onFailure: 'error', retryOn }), kavachMiddleware(guard)];
  const error = await rejection(createAgent({ model: w.openai(), tools: [], middleware }).invoke(GO));
  expect(findKavachError(error)).toBeInstanceOf(BudgetExceededError);
  expect(denied).toHaveBeenCalledOnce();
  expect(w.sim.ledger.requests).toBe(0);
});

describe('modelRetryMiddleware after it in the list', () => {
  it('tries with the guarded model: each try is a call', async () => {
    await using w = await world(({ n }) => (n < 3 ? { error: { status: 500 } } : { tokens: 20 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const middleware = [kavachMiddleware(guard), builtIn.modelRetry({ maxRetries: 2, initialDelayMs: 1 })];
    await createAgent({ model: w.openai(), tools: [], middleware }).invoke(GO);
    expect([w.sim.ledger.requests, guard.status().run.calls]).toEqual([3, 3]);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('leaves a refusal alone, without a retryOn', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(0.000_000_1) });
    const denied = vi.fn();
    guard.on('denied', denied);
    const retry = builtIn.modelRetry({ maxRetries: 3, initialDelayMs: 60_000, onFailure: 'error' });
    const middleware = [kavachMiddleware(guard), retry];
    const error = await rejection(createAgent({ model: w.openai(), tools: [], middleware }).invoke(GO));
    expect(findKavachError(error)).toBeInstanceOf(BudgetExceededError);
    expect(denied).toHaveBeenCalledOnce();
    expect(w.sim.ledger.requests).toBe(0);
  });
});

describe('kavachMiddleware with a handler’s config', () => {
  beforeEach(() => {
    vi.spyOn(console, 'error').mockReturnValue();
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('ends the run although modelRetryMiddleware would go on', async () => {
    await using w = await world(LOOPS);
    const guard = new AgentKavach({ budget: Budget.calls(1, 'daily') });
    const agent = createAgent({
      model: w.openai(),
      tools: [lookup],
      middleware: [builtIn.modelRetry({ initialDelayMs: 60_000 }), kavachMiddleware(guard)],
    });
    const error = await rejection(agent.invoke(GO, kavachHandler(guard).config()));
    expect(findKavachError(error)).toBeInstanceOf(BudgetExceededError);
    expect(w.sim.ledger.requests).toBe(1);
    expect(guard.status().run.calls).toBe(1);
  });
});
