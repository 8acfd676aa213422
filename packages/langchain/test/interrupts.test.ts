/** Graphs that are interrupted, parked in a checkpointer, and resumed: what each call costs, and what the guard still holds them to. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { HumanMessage, type BaseMessage } from '@langchain/core/messages';
import type { RunnableConfig } from '@langchain/core/runnables';
import type { StructuredToolInterface } from '@langchain/core/tools';
import { Command, interrupt, MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph';
import {
  AgentKavach,
  Budget,
  BudgetExceededError,
  CallLimitError,
  findKavachError,
  KilledError,
  type KavachOptions,
} from '@agentkavach/core';
import { rejection, reserved, spends, spentNano } from '@agentkavach/core/testing';
import { createAgent, tool, type AgentMiddleware } from 'langchain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { guardChatModel, kavachHandler, kavachMiddleware } from '../src/index.ts';
import { builtIn, world, type World } from './world.ts';

/** A guarded model, what each invocation is given, and what an agent is. */
interface Guarded {
  readonly model: BaseChatModel;
  readonly config: () => RunnableConfig;
  readonly middleware: readonly AgentMiddleware[];
}

const byModel = (model: BaseChatModel, guard: AgentKavach): Guarded => ({
  model: guardChatModel(model, guard),
  config: () => ({}),
  middleware: [],
});
const WAYS: Readonly<Record<string, (model: BaseChatModel, guard: AgentKavach) => Guarded>> = {
  kavachHandler: (model, guard) => ({
    model,
    config: () => ({ callbacks: [kavachHandler(guard)] }),
    middleware: [],
  }),
  'kavachHandler().config()': (model, guard) => ({
    model,
    config: () => kavachHandler(guard).config(),
    middleware: [],
  }),
  guardChatModel: byModel,
};
/** Agents have one more. Their tools’ models are guarded by themselves. */
const WAYS_OF_AGENTS: typeof WAYS = {
  ...WAYS,
  kavachMiddleware: (model, guard) => ({ ...byModel(model, guard), middleware: [kavachMiddleware(guard)] }),
};

const GO = { messages: [new HumanMessage('Go')] };
const YES = new Command<string, Record<string, never>, never>({ resume: 'yes' });
const THREAD = { configurable: { thread_id: 'thread' } };
const guardOf = (options: KavachOptions = {}) => new AgentKavach({ budget: Budget.total(10), ...options });

/** Asks before it interrupts and after it, in one node. */
function asksAround({ model }: Guarded) {
  return new StateGraph(MessagesAnnotation)
    .addNode('ask', async ({ messages }, config) => {
      const before = await model.invoke(messages, config);
      const said: string = interrupt('Go on?');
      return { messages: [before, await model.invoke([...messages, before, new HumanMessage(said)], config)] };
    })
    .addEdge('__start__', 'ask')
    .compile({ checkpointer: new MemorySaver() });
}

/** Asks in one node and interrupts in the next. */
function asksInNodes({ model }: Guarded) {
  const ask = async ({ messages }: { messages: BaseMessage[] }, config: RunnableConfig) => ({
    messages: [await model.invoke(messages, config)],
  });
  return new StateGraph(MessagesAnnotation)
    .addNode('before', ask)
    .addNode('approve', () => ({ messages: [new HumanMessage(interrupt<string, string>('Go on?'))] }))
    .addNode('after', ask)
    .addEdge('__start__', 'before')
    .addEdge('before', 'approve')
    .addEdge('approve', 'after')
    .compile({ checkpointer: new MemorySaver() });
}

/** A tool that asks its model, and then a person. */
function asksInTool({ model }: Guarded) {
  return tool(
    async (_, config) => {
      const { text } = await model.invoke('Do a part.', config as RunnableConfig);
      return `${text} ${interrupt<string, string>('Go on?')}`;
    },
    { name: 'ask', description: 'Asks.', schema: z.object({}) },
  );
}

async function expectParked(w: World, guard: AgentKavach, requests: number, inDefaultRun = requests): Promise<void> {
  await w.sim.ledger.settled();
  expect(w.sim.ledger.requests).toBe(requests);
  expect(guard.status().run.calls).toBe(inDefaultRun);
  expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  expect([reserved(guard), guard.status().inFlight]).toEqual([0, 0]);
}

describe.each(Object.entries(WAYS))('a graph that is interrupted, by %s', (_, guardedBy) => {
  it('is charged once for what a node asked before the node that interrupts', async () => {
    await using w = await world();
    const guard = guardOf();
    const guarded = guardedBy(w.openai(), guard);
    const graph = asksInNodes(guarded);
    await graph.invoke(GO, { ...THREAD, ...guarded.config() });
    await expectParked(w, guard, 1);
    const { messages } = await graph.invoke(YES, { ...THREAD, ...guarded.config() });
    expect(messages).toHaveLength(4);
    await expectParked(w, guard, 2);
  });

  it('is charged twice for what the interrupted node asked before, since LangGraph runs it again', async () => {
    await using w = await world();
    const guard = guardOf();
    const guarded = guardedBy(w.openai(), guard);
    const graph = asksAround(guarded);
    await graph.invoke(GO, { ...THREAD, ...guarded.config() });
    await expectParked(w, guard, 1);
    await graph.invoke(YES, { ...THREAD, ...guarded.config() });
    await expectParked(w, guard, 3);
  });

  it('refuses the resume with the budget’s own error, and sends nothing', async () => {
    await using w = await world();
    const guard = guardOf({ budget: [Budget.total(10), Budget.calls(2, 'total')] });
    const guarded = guardedBy(w.openai(), guard);
    const graph = asksAround(guarded);
    await graph.invoke(GO, { ...THREAD, ...guarded.config() });
    const error = await rejection(graph.invoke(YES, { ...THREAD, ...guarded.config() }));
    expect(findKavachError(error)).toBeInstanceOf(BudgetExceededError);
    await expectParked(w, guard, 2);
  });

  it('refuses the resume after a kill while it is parked, and takes it after resume()', async () => {
    await using w = await world();
    const guard = guardOf();
    const guarded = guardedBy(w.openai(), guard);
    const graph = asksInNodes(guarded);
    await graph.invoke(GO, { ...THREAD, ...guarded.config() });
    guard.kill();
    const error = await rejection(graph.invoke(YES, { ...THREAD, ...guarded.config() }));
    expect(findKavachError(error)).toBeInstanceOf(KilledError);
    await expectParked(w, guard, 1);
    guard.resume();
    const { messages } = await graph.invoke(YES, { ...THREAD, ...guarded.config() });
    expect(messages).toHaveLength(4);
    await expectParked(w, guard, 2);
  });

  it('lets a parallel node finish, and charges it once', async () => {
    const { promise: hold, resolve: release } = Promise.withResolvers<undefined>();
    await using w = await world(() => ({ hold }));
    const guard = guardOf();
    const guarded = guardedBy(w.openai(), guard);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('ask', async ({ messages }, config) => ({ messages: [await guarded.model.invoke(messages, config)] }))
      .addNode('approve', async () => {
        await w.sim.started(1);
        queueMicrotask(() => release(undefined));
        return { messages: [new HumanMessage(interrupt<string, string>('Go on?'))] };
      })
      .addEdge('__start__', 'ask')
      .addEdge('__start__', 'approve')
      .compile({ checkpointer: new MemorySaver() });
    await graph.invoke(GO, { ...THREAD, ...guarded.config() });
    await expectParked(w, guard, 1);
    await graph.invoke(YES, { ...THREAD, ...guarded.config() });
    await expectParked(w, guard, 1);
  });

  it.each([
    ['goes on with its guardrails in one run of the guard', (_: AgentKavach, fn: () => Promise<unknown>) => fn(), true],
    [
      'starts them anew with each guard.run',
      (guard: AgentKavach, fn: () => Promise<unknown>) => guard.run({ runId: '17' }, fn),
      false,
    ],
  ])('%s', async (_, within, isRefused) => {
    await using w = await world();
    const guard = guardOf({ guardrails: { maxCallsPerRun: 1 } });
    const guarded = guardedBy(w.openai(), guard);
    const graph = asksInNodes(guarded);
    await within(guard, () => graph.invoke(GO, { ...THREAD, ...guarded.config() }));
    const resumed = within(guard, () => graph.invoke(YES, { ...THREAD, ...guarded.config() }));
    if (isRefused) expect(findKavachError(await rejection(resumed))).toBeInstanceOf(CallLimitError);
    else expect(await resumed).toHaveProperty('messages.length', 4);
    await expectParked(w, guard, isRefused ? 1 : 2, isRefused ? 1 : 0);
  });

  it('goes on with the budget of a tag, in whatever run', async () => {
    await using w = await world(() => ({ tokens: 2_000, chunkTokens: 100 }));
    // An answer is $0.02: one fits, and a second does not.
    const guard = guardOf({ budget: [Budget.total(10), Budget.perTag(0.03, 'total')], minOutputTokens: 2_000 });
    const guarded = guardedBy(w.openai({ maxTokens: 2_100 }), guard);
    const graph = asksInNodes(guarded);
    const tagged = <T>(tag: string, fn: () => Promise<T>) => guard.run({ tags: [tag] }, fn);
    await tagged('thread', () => graph.invoke(GO, { ...THREAD, ...guarded.config() }));
    const resume = () => graph.invoke(YES, { ...THREAD, ...guarded.config() });
    const error = await rejection(tagged('thread', resume));
    expect(findKavachError(error)).toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', scope: 'tag' });
    expect(w.sim.ledger.requests).toBe(1);
    expect(await tagged('another', resume)).toHaveProperty('messages.length', 4);
  });
});

it('a guarded stream that a node interrupts half-way is settled by what was seen, and nothing stays held', async () => {
  await using w = await world(() => ({
    tokens: 3_000,
    chunkTokens: 1,
    hold: new Promise(() => undefined),
    holdAfterChunks: 40,
  }));
  const guard = guardOf();
  const { model } = byModel(w.openai({ maxTokens: 4_000 }), guard);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('ask', async ({ messages }, config) => {
      for await (const _ of await model.stream(messages, config)) interrupt('Like this?');
      return { messages };
    })
    .addEdge('__start__', 'ask')
    .compile({ checkpointer: new MemorySaver() });
  const { all, next } = spends(guard);
  const settled = next();
  await graph.invoke(GO, THREAD);
  await settled;
  expect(all).toMatchObject([{ outcome: 'cancelled', estimated: true }]);
  expect(all[0]?.outputTokens).toBeLessThan(2_000);
  expect([reserved(guard), guard.status().inFlight]).toEqual([0, 0]);
  await w.sim.ledger.settled();
  expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
});

describe.each(Object.entries(WAYS_OF_AGENTS))('an agent that is interrupted, by %s', (_, guardedBy) => {
  const agentOf = (
    { model, middleware }: Guarded,
    tools: StructuredToolInterface[],
    approving: AgentMiddleware[] = [],
  ) => createAgent({ model, tools, middleware: [...approving, ...middleware], checkpointer: new MemorySaver() });
  const asksOnce = ({ toolNames, text }: { toolNames: readonly string[]; text: string }) =>
    toolNames.length === 0 || text.includes('a part') ? { text: 'a part' } : { toolCalls: [{ name: 'ask' }] };

  it('by a tool, is charged once for its own call, and twice for what the tool asked before it interrupts', async () => {
    await using w = await world(asksOnce);
    const guard = guardOf();
    const guarded = guardedBy(w.openai(), guard);
    const agent = agentOf(guarded, [asksInTool(guarded)]);
    await agent.invoke(GO, { ...THREAD, ...guarded.config() });
    await expectParked(w, guard, 2);
    const { messages } = await agent.invoke(YES, { ...THREAD, ...guarded.config() });
    expect(messages.at(-1)?.text).toBe('a part');
    await expectParked(w, guard, 4);
  });

  it('for an approval, is charged once for the call that was to be approved', async () => {
    await using w = await world(asksOnce);
    const guard = guardOf();
    const guarded = guardedBy(w.openai(), guard);
    const ask = tool(() => 'a part', { name: 'ask', description: 'Asks.', schema: z.object({}) });
    const agent = agentOf(guarded, [ask], [builtIn.humanInTheLoop({ interruptOn: { ask: true } })]);
    await agent.invoke(GO, { ...THREAD, ...guarded.config() });
    await expectParked(w, guard, 1);
    const approval = new Command({ resume: { decisions: [{ type: 'approve' }] } });
    const { messages } = await agent.invoke(approval, { ...THREAD, ...guarded.config() });
    expect(messages.at(-1)?.text).toBe('a part');
    await expectParked(w, guard, 2);
  });

  it.each([
    ['a kill while it is parked', (guard: AgentKavach) => guard.kill(), KilledError],
    ['a limit that it has reached', (guard: AgentKavach) => guard.setLimit('calls', 2), BudgetExceededError],
  ])('is refused its resume by %s', async (_, stop, kind) => {
    await using w = await world(asksOnce);
    const guard = guardOf({ budget: [Budget.total(10), Budget.calls(9, 'total', { name: 'calls' })] });
    const guarded = guardedBy(w.openai(), guard);
    const agent = agentOf(guarded, [asksInTool(guarded)]);
    await agent.invoke(GO, { ...THREAD, ...guarded.config() });
    stop(guard);
    const error = await rejection(agent.invoke(YES, { ...THREAD, ...guarded.config() }));
    expect(findKavachError(error)).toBeInstanceOf(kind);
    await expectParked(w, guard, 2);
  });
});
