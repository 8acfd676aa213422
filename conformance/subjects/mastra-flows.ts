/** Mastra: an agent as a step of a workflow, and as a member of a network, under a registered guard. */
import { kavach } from '@agentkavach/mastra';
import type { Script, Simulator } from '@agentkavach/simulator';
import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { noopLogger } from '@mastra/core/logger';
import { InMemoryStore } from '@mastra/core/storage';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import { Memory } from '@mastra/memory';
import { z } from 'zod';
import type { Client, Departure, Subject } from '../subject.ts';
import { agentOf, callOf, OBJECT, objectOf } from './mastra.ts';
import { GPT_4O } from './models.ts';

const runsWorkflow =
  (sim: Simulator): Client =>
  async (task) => {
    const agent = agentOf(sim, task);
    const ask = createStep({
      id: 'ask',
      inputSchema: z.object({ prompt: z.string() }),
      outputSchema: z.object({ text: z.string() }),
      execute: async ({ inputData }) => ({ text: (await agent.generate(inputData.prompt, callOf(task))).text }),
    });
    const workflow = createWorkflow({ id: 'flow', inputSchema: ask.inputSchema, outputSchema: ask.outputSchema })
      .then(ask)
      .commit();
    const run = await workflow.createRun();
    const result = await run.start({ inputData: { prompt: task.prompt } });
    if (result.status === 'failed') throw result.error;
    if (result.status !== 'success') throw new Error(`The workflow ended as ${result.status}.`);
    task.signal?.throwIfAborted();
    return result.result.text;
  };

const runsNetwork =
  (sim: Simulator): Client =>
  async (task) => {
    const worker = agentOf(sim, task);
    const router = new Agent({
      id: 'router',
      name: 'router',
      instructions: 'Route.',
      model: objectOf(sim, task.model ?? GPT_4O.model),
      agents: { worker },
      memory: new Memory(),
    });
    const { guard, signal } = task;
    const storage = new InMemoryStore();
    const mastra = kavach(guard).register(new Mastra({ logger: noopLogger, storage, agents: { router } }));
    const output = await mastra.getAgent('router').network(task.prompt, {
      ...callOf(task),
      memory: { thread: 'thread', resource: 'resource' },
    });
    let text = '';
    for await (const chunk of output) {
      if (chunk.type === 'agent-execution-end') text = chunk.payload.result;
    }
    const result = (await output.result) as { readonly status: string; readonly error?: unknown } | undefined;
    if (result?.status === 'failed') throw result.error;
    signal?.throwIfAborted();
    return text;
  };

/** The router sends everything to its one agent, and is content with what comes back. Failures are the scenario's. */
const routed =
  (script: Script): Script =>
  async (request) => {
    const asked = JSON.stringify(request.body['response_format'] ?? '');
    const answer = (value: object) => ({ text: JSON.stringify(value) });
    if (asked.includes('isComplete')) return answer({ isComplete: true, completionReason: 'done', finalResult: '' });
    if (!asked.includes('primitiveId')) return script(request);
    return answer({ primitiveId: 'worker', primitiveType: 'agent', prompt: 'Go on.', selectionReason: 'it can' });
  };

/** Where the router's own calls change the count. */
const routes = (requests: number): Departure => ({
  kind: 'differs',
  why: 'A network asks its router before and after each of its agents. Those calls count, and are charged, like all others.',
  expected: { requests },
});

const EATEN: Departure = {
  kind: 'absent',
  why: 'How many answers fit depends on the length of the router’s own prompts, which Mastra writes.',
};

const NETWORK: Readonly<Record<string, Departure>> = {
  'plain-answer': routes(3),
  'tool-limit': routes(3),
  'stuck-loop': routes(5),
  'equal-tools': routes(4),
  'parallel-tools': routes(13),
  'exploding-output': routes(2),
  'limit-raised': routes(2),
  'tool-time-out': routes(2),
  retry: routes(4),
  resume: routes(6),
  'error-answer': { kind: 'absent', why: 'A network takes the failure of one of its agents for an answer.' },
  burst: { kind: 'absent', why: 'Each task of a network is several calls, so none of twelve ends where five fit.' },
  'lowered-cap': EATEN,
  'exhausted-dollars': EATEN,
  'exhausted-tokens': EATEN,
  'cheaper-model': EATEN,
  'missing-usage': { kind: 'absent', why: 'The last of a network’s calls is its router’s.' },
};

const COPIES = 'the result’s `error` is a copy of ours: its `code` says which, `findKavachError` does not find it.';

export const MASTRA_FLOWS: readonly Subject[] = [
  {
    framework: 'Mastra 1',
    name: 'workflow step',
    ...GPT_4O,
    streams: false,
    copiesErrors: COPIES,
    stops: true,
    departures: OBJECT,
    open: runsWorkflow,
  },
  {
    framework: 'Mastra 1',
    name: '`agent.network`',
    ...GPT_4O,
    streams: false,
    copiesErrors: COPIES,
    answering: routed,
    departures: NETWORK,
    open: runsNetwork,
  },
];
