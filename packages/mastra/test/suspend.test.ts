/** Runs that are suspended and resumed: what each call costs, and what the guard still holds them to. */
import { InMemoryStore } from '@mastra/core/storage';
import { createTool } from '@mastra/core/tools';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import {
  AgentKavach,
  Budget,
  BudgetExceededError,
  findKavachError,
  KilledError,
  type KavachOptions,
} from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { kavach } from '../src/index.ts';
import { agent, mastraWith, world, type World } from './world.ts';

const guardOf = (options: KavachOptions = {}) => new AgentKavach({ budget: Budget.total(10), ...options });

async function expectParked(w: World, guard: AgentKavach, requests: number, inDefaultRun = requests): Promise<void> {
  await w.sim.ledger.settled();
  expect(w.sim.ledger.requests).toBe(requests);
  expect(guard.status().run.calls).toBe(inDefaultRun);
  expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  expect([reserved(guard), guard.status().inFlight]).toEqual([0, 0]);
}

/** A workflow: an agent, a person's approval, an agent. The approval may ask an agent before it suspends. */
function approval(w: World, guard: AgentKavach, asksBefore = false) {
  const text = z.object({ text: z.string() });
  const writer = agent(w.model());
  const ask = (id: string) =>
    createStep({
      id,
      inputSchema: text,
      outputSchema: text,
      execute: async ({ inputData }) => ({ text: (await writer.generate(inputData.text)).text }),
    });
  const approve = createStep({
    id: 'approve',
    inputSchema: text,
    outputSchema: text,
    resumeSchema: text,
    execute: async ({ inputData, resumeData, suspend }) => {
      if (asksBefore) await writer.generate(inputData.text);
      return resumeData ?? (await suspend({}));
    },
  });
  const workflow = createWorkflow({ id: 'flow', inputSchema: text, outputSchema: text })
    .then(ask('before'))
    .then(approve)
    .then(ask('after'))
    .commit();
  const mastra = kavach(guard).register(
    mastraWith({ storage: new InMemoryStore(), agents: { a: writer }, workflows: { flow: workflow } }),
  );
  return mastra.getWorkflow('flow');
}

const GO = { inputData: { text: 'Go' } };
const YES = { step: 'approve', resumeData: { text: 'yes' } };

describe('a suspended workflow', () => {
  it('is charged once for what came before, holds nothing, and goes on', async () => {
    await using w = await world();
    const guard = guardOf();
    const run = await approval(w, guard).createRun();
    expect((await run.start(GO)).status).toBe('suspended');
    await expectParked(w, guard, 1);
    expect((await run.resume(YES)).status).toBe('success');
    await expectParked(w, guard, 2);
  });

  it('is charged twice for what the suspended step asked before, since Mastra runs it again', async () => {
    await using w = await world();
    const guard = guardOf();
    const run = await approval(w, guard, true).createRun();
    expect((await run.start(GO)).status).toBe('suspended');
    await expectParked(w, guard, 2);
    expect((await run.resume(YES)).status).toBe('success');
    await expectParked(w, guard, 4);
  });

  it('may be resumed by a run object of another process', async () => {
    await using w = await world();
    const guard = guardOf();
    const flow = approval(w, guard);
    const { runId, start } = await flow.createRun().then((run) => ({ runId: run.runId, start: () => run.start(GO) }));
    await start();
    const again = await flow.createRun({ runId });
    expect((await again.resume(YES)).status).toBe('success');
    await expectParked(w, guard, 2);
  });

  it.each([
    ['a kill', (guard: AgentKavach) => guard.kill(), 'KAVACH_KILLED'],
    ['a limit that it has reached', (guard: AgentKavach) => guard.setLimit('calls', 1), 'KAVACH_BUDGET_EXCEEDED'],
  ])('is refused its resume by %s', async (_, stop, code) => {
    await using w = await world();
    const guard = guardOf({ budget: [Budget.total(10), Budget.calls(9, 'total', { name: 'calls' })] });
    const run = await approval(w, guard).createRun();
    await run.start(GO);
    stop(guard);
    const result = await run.resume(YES);
    expect(result).toMatchObject({ status: 'failed', error: { code } });
    await expectParked(w, guard, 1);
  });

  it('whose resume was refused goes on by time travel', async () => {
    await using w = await world();
    const guard = guardOf();
    const run = await approval(w, guard).createRun();
    await run.start(GO);
    guard.kill();
    await run.resume(YES);
    guard.resume();
    expect(await rejection(run.resume(YES))).toMatchObject({ message: 'This workflow run was not suspended' });
    expect((await run.timeTravel({ step: 'after', inputData: { text: 'yes' } })).status).toBe('success');
    await expectParked(w, guard, 2);
  });

  it.each([
    [
      'goes on with its guardrails in one run of the guard',
      <T>(_: AgentKavach, fn: () => Promise<T>) => fn(),
      'failed',
    ],
    ['starts them anew with each guard.run', <T>(guard: AgentKavach, fn: () => Promise<T>) => guard.run(fn), 'success'],
  ])('%s', async (_, within, status) => {
    await using w = await world();
    const guard = guardOf({ guardrails: { maxCallsPerRun: 1 } });
    const run = await approval(w, guard).createRun();
    await within(guard, () => run.start(GO));
    expect((await within(guard, () => run.resume(YES))).status).toBe(status);
    await expectParked(w, guard, status === 'failed' ? 1 : 2, status === 'failed' ? 1 : 0);
  });
});

const asksOnce = ({ text }: { readonly text: string }) =>
  text.includes('a part') ? { text: 'done' } : { toolCalls: [{ name: 'ask' }] };

/** An agent with a tool that is to be approved, or that suspends by itself after it asked an agent. */
function asking(w: World, guard: AgentKavach, kind: 'approval' | 'suspend') {
  const helper = agent(w.model('gpt-4o-mini'), { id: 'helper', name: 'helper' });
  const ask = createTool({
    id: 'ask',
    description: 'Asks.',
    inputSchema: z.object({}),
    requireApproval: kind === 'approval',
    execute: async (_, context) => {
      if (kind === 'approval') return 'a part';
      await helper.generate('Do a part.');
      if (context.agent?.resumeData === undefined) return context.agent?.suspend({});
      return 'a part';
    },
  });
  const outer = agent(w.model(), { tools: { ask } });
  const mastra = kavach(guard).register(mastraWith({ storage: new InMemoryStore(), agents: { a: outer, helper } }));
  return mastra.getAgent('a');
}

const script = (request: { readonly text: string; readonly model: string }) =>
  request.model === 'gpt-4o-mini' ? { text: 'helped' } : asksOnce(request);

type Asking = ReturnType<typeof asking>;

const RESUMES: Readonly<
  Record<
    string,
    {
      kind: 'approval' | 'suspend';
      start: (a: Asking) => Promise<string>;
      resume: (a: Asking, runId: string) => Promise<unknown>;
    }
  >
> = {
  'approveToolCallGenerate()': {
    kind: 'approval',
    start: async (a) => (await a.generate('Go')).runId ?? '',
    resume: (a, runId) => a.approveToolCallGenerate({ runId }),
  },
  'approveToolCall()': {
    kind: 'approval',
    start: async (a) => {
      const output = await a.stream('Go');
      await output.consumeStream();
      return output.runId;
    },
    resume: async (a, runId) => {
      const output = await a.approveToolCall({ runId });
      await output.consumeStream();
      if (output.error !== undefined) throw output.error;
    },
  },
  'resumeGenerate()': {
    kind: 'suspend',
    start: async (a) => (await a.generate('Go')).runId ?? '',
    resume: (a, runId) => a.resumeGenerate({}, { runId }),
  },
  'resumeStream()': {
    kind: 'suspend',
    start: async (a) => {
      const output = await a.stream('Go');
      await output.consumeStream();
      return output.runId;
    },
    resume: async (a, runId) => {
      const output = await a.resumeStream({}, { runId });
      await output.consumeStream();
      if (output.error !== undefined) throw output.error;
    },
  },
};

describe.each(Object.entries(RESUMES))('an agent that is resumed by %s', (_, { kind, start, resume }) => {
  const helped = kind === 'suspend' ? 1 : 0;

  it('is charged once for its own calls, and holds nothing while it waits', async () => {
    await using w = await world(script);
    const guard = guardOf();
    const asked = asking(w, guard, kind);
    const runId = await start(asked);
    await expectParked(w, guard, 1 + helped);
    await resume(asked, runId);
    // A tool that suspends runs again from its start.
    await expectParked(w, guard, 2 + 2 * helped);
  });

  it('is refused by a kill while it waits, and is over then', async () => {
    await using w = await world(script);
    const guard = guardOf();
    const asked = asking(w, guard, kind);
    const runId = await start(asked);
    guard.kill();
    expect(guard.canStartCall()).toBe(false);
    expect(findKavachError(await rejection(resume(asked, runId)))).toBeInstanceOf(KilledError);
    await expectParked(w, guard, 1 + helped);
    guard.resume();
    expect(await rejection(resume(asked, runId))).toMatchObject({ id: 'AGENT_RESUME_NO_SNAPSHOT_FOUND' });
  });

  it('is refused by a limit that it has reached', async () => {
    await using w = await world(script);
    const guard = guardOf({ budget: [Budget.total(10), Budget.calls(1 + helped, 'total')] });
    const asked = asking(w, guard, kind);
    const runId = await start(asked);
    expect(findKavachError(await rejection(resume(asked, runId)))).toBeInstanceOf(BudgetExceededError);
    await expectParked(w, guard, 1 + helped);
  });
});
