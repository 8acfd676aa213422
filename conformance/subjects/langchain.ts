/** LangChain and LangGraph: models, agents and graphs, with each of the three ways to put the guard there. */
import { InMemoryCache } from '@langchain/core/caches';
import type { AIMessageChunk, BaseMessage } from '@langchain/core/messages';
import type { RunnableConfig } from '@langchain/core/runnables';
import { MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt';
import type { ChatOpenAI } from '@langchain/openai';
import { guardChatModel, KavachHandler, kavachMiddleware } from '@agentkavach/langchain';
import type { Simulator } from '@agentkavach/simulator';
import { createAgent, type AgentMiddleware } from 'langchain';
import type { Client, Departure, Subject, Task } from '../subject.ts';
import { converse } from './conversation.ts';
import { chatModel, langChain, readMessage, toolsOf } from './langchain-parts.ts';
import { GPT_4O, keepsItsModel } from './models.ts';

/** A guarded model, and what a run of it is given. */
interface Guarded {
  readonly model: ChatOpenAI;
  readonly config: Pick<RunnableConfig, 'callbacks' | 'signal'>;
  readonly middleware: readonly AgentMiddleware[];
}

/** A way to put the guard there. */
type Guarding = (model: ChatOpenAI, task: Task) => Guarded;

/** A way to run a model. */
type Running = (guarded: Guarded, task: Task) => Promise<string>;

const byModel: Guarding = (model, { guard, signal }) => ({
  model: guardChatModel(model, guard),
  config: following(signal),
  middleware: [],
});

const byHandler: Guarding = (model, { guard, signal }) => ({
  model,
  config: { callbacks: [new KavachHandler(guard)], ...following(signal) },
  middleware: [],
});

/** `handler.config()` ends a whole run by its signal, so the caller’s own signal joins it. */
const byConfig: Guarding = (model, { guard, signal }) => {
  const config = new KavachHandler(guard).config();
  return {
    model,
    config: { ...config, ...(signal !== undefined && { signal: AbortSignal.any([config.signal, signal]) }) },
    middleware: [],
  };
};

const byMiddleware: Guarding = (model, { guard, signal, stops = false }) => ({
  model,
  config: following(signal),
  middleware: [kavachMiddleware(guard, { exitBehavior: stops ? 'end' : 'error' })],
});

/** All of them at once, as happens when a library guards its own model. */
const byAll: Guarding = (model, task) => ({
  model: guardChatModel(model, task.guard),
  config: byConfig(model, task).config,
  middleware: [kavachMiddleware(task.guard)],
});

function following(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** The model, with the task's tools where it has some. */
function bound(model: ChatOpenAI, task: Task) {
  const tools = toolsOf(task);
  return tools.length === 0 ? model : model.bindTools(tools);
}

const invoke: Running = ({ model, config }, task) =>
  converse(task, langChain, async (messages) => readMessage(await bound(model, task).invoke([...messages], config)));

const stream: Running = ({ model, config }, task) =>
  converse(task, langChain, async (messages) => {
    let whole: AIMessageChunk | undefined;
    for await (const chunk of await bound(model, task).stream([...messages], config)) {
      whole = whole === undefined ? chunk : whole.concat(chunk);
      if (chunk.text !== '' && task.onText?.(chunk.text) === 'leave') break;
    }
    if (whole === undefined) throw new Error('A stream without a chunk.');
    return readMessage(whole);
  });

const agent: Running = async ({ model, config, middleware }, task) => {
  const made = createAgent({ model, tools: toolsOf(task), middleware });
  const { messages } = await made.invoke(
    { messages: [langChain.user(task.prompt)] },
    { ...config, recursionLimit: 100 },
  );
  return last(messages as BaseMessage[]);
};

const graph: Running = async ({ model, config }, task) => {
  const tools = toolsOf(task);
  const made = new StateGraph(MessagesAnnotation)
    .addNode('ask', async ({ messages }, inner) => ({ messages: [await bound(model, task).invoke(messages, inner)] }))
    .addNode('tools', new ToolNode(tools))
    .addEdge(START, 'ask')
    .addConditionalEdges('ask', toolsCondition)
    .addEdge('tools', 'ask')
    .compile();
  const { messages } = await made.invoke(
    { messages: [langChain.user(task.prompt)] },
    { ...config, recursionLimit: 100 },
  );
  return last(messages);
};

function last(messages: readonly BaseMessage[]): string {
  return messages.at(-1)?.text ?? '';
}

const CALLBACKS: Readonly<Record<string, Departure>> = {
  ...keepsItsModel('Callbacks can’t ask another model'),
  'lowered-cap': {
    kind: 'differs',
    why: 'Callbacks can’t change a call: where its full worst case does not fit, it is refused.',
    expected: { requests: 0, refusal: 'KAVACH_BUDGET_EXCEEDED' },
  },
  retry: {
    kind: 'differs',
    why: 'Callbacks see a model’s own retries as one call. An attempt that failed costs nothing, so the bill is right; the count of calls is not.',
    expected: { calls: 1 },
  },
  'retry-refused': {
    kind: 'differs',
    why: 'Callbacks see a model’s own retries as one call, so `maxCallsPerRun` does not stop them.',
    expected: { requests: 2, calls: 1, refusal: undefined },
  },
};
const CALLBACKS_ALONE: Readonly<Record<string, Departure>> = {
  ...CALLBACKS,
  kill: {
    kind: 'absent',
    why: 'Callbacks alone can’t end a request that is under way; `handler.config()` can.',
  },
};
const STREAM_CALLBACKS: Readonly<Record<string, Departure>> = {
  ...CALLBACKS_ALONE,
  'consumer-break': {
    kind: 'differs',
    why: 'Nobody tells a callback that the consumer has left: after `idleMs` the whole reservation is charged.',
    expected: { charge: 'whole' },
  },
};

function subject(
  name: string,
  running: Running,
  guarding: Guarding,
  departures?: Readonly<Record<string, Departure>>,
): Subject {
  return {
    framework: 'LangChain 1 and LangGraph',
    name,
    ...GPT_4O,
    streams: running === stream,
    caches: running === invoke,
    stops: guarding === byMiddleware,
    ...(departures && { departures }),
    open: (sim: Simulator): Client => {
      const cache = new InMemoryCache();
      return (task) => running(guarding(chatModel(sim, cache, task), task), task);
    },
  };
}

export const LANGCHAIN: readonly Subject[] = [
  subject('`model.invoke`, guardChatModel', invoke, byModel),
  subject('`model.invoke`, handler', invoke, byHandler, CALLBACKS_ALONE),
  subject('`model.invoke`, `handler.config()`', invoke, byConfig, CALLBACKS),
  subject('`model.stream`, guardChatModel', stream, byModel),
  subject('`model.stream`, handler', stream, byHandler, STREAM_CALLBACKS),
  subject('`createAgent`, middleware', agent, byMiddleware),
  subject('`createAgent`, guardChatModel', agent, byModel),
  subject('`createAgent`, handler', agent, byConfig, CALLBACKS),
  subject('`createAgent`, all three at once', agent, byAll),
  subject('graph, guardChatModel', graph, byModel),
  subject('graph, handler', graph, byConfig, CALLBACKS),
];
