import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { expect, it, describe } from 'vitest';
import { createAgent, tool, modelRetryMiddleware, modelFallbackMiddleware, initChatModel } from 'langchain';
import { z } from 'zod';
import { guardChatModel, kavachHandler, kavachMiddleware } from '../src/index.ts';
import { spentNano, reserved, spends, world, rejection } from './world.ts';

const lookup = tool(() => 'nothing', { name: 'lookup', description: 'looks', schema: z.object({ word: z.string() }) });
const LOOP = () => ({ toolCalls: [{ name: 'lookup', arguments: { word: 'x' } }] });
const state = (g: AgentKavach, w: any) => [spentNano(g), w.sim.ledger.totalNano(), w.sim.ledger.requests, reserved(g), g.status().run.calls, g.status().run.toolCalls];

it('handler', async () => {
  for (const p of ['openai', 'anthropic', 'google', 'mistral'] as const) {
    await using w = await world(() => ({ tokens: 40 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const h = kavachHandler(guard);
    const m = w[p]() as any;
    await m.invoke('Hi there', { callbacks: [h] });
    console.log(p, 'invoke', ...state(guard, w));
    for await (const c of await m.stream('Hi there', { callbacks: [h] })) void c;
    console.log(p, 'stream', ...state(guard, w));
    for await (const c of m.streamEvents('Hi there', { version: 'v2', callbacks: [h] })) void c;
    console.log(p, 'ev2', ...state(guard, w));
    await m.batch(['a', 'b'], { callbacks: [h] });
    console.log(p, 'batch', ...state(guard, w));
    const agent = createAgent({ model: m, tools: [] });
    const r = await (agent as any).streamEvents({ messages: 'hi' }, { version: 'v3', callbacks: [h] });
    for await (const e of r) void e;
    console.log(p, 'agentv3', ...state(guard, w));
    for await (const e of await agent.stream({ messages: 'hi' } as any, { streamMode: 'messages', callbacks: [h] })) void e;
    console.log(p, 'agent messages', ...state(guard, w));
  }
});
it('agent middleware', async () => {
  await using w = await world(LOOP);
  const guard = new AgentKavach({ budget: Budget.total(10), guardrails: { maxCallsPerRun: 3 } });
  const agent = createAgent({ model: w.openai(), tools: [lookup], middleware: [kavachMiddleware(guard)] });
  const e = await rejection(agent.invoke({ messages: 'Go' } as any, { callbacks: [kavachHandler(guard)] }));
  console.log((e as any).name, findKavachError(e)?.code, ...state(guard, w));
  const guard2 = new AgentKavach({ budget: Budget.calls(2, 'daily') });
  const agent2 = createAgent({ model: w.openai(), tools: [lookup], middleware: [kavachMiddleware(guard2, { exitBehavior: 'end' })] });
  const r = await agent2.invoke({ messages: 'Go' } as any);
  console.log(r.messages.at(-1)?.content, r.messages.length);
  const guard3 = new AgentKavach({ budget: Budget.calls(2, 'daily') });
  const agent3 = createAgent({ model: w.openai(), tools: [lookup], middleware: [modelRetryMiddleware({ initialDelayMs: 10 }), kavachMiddleware(guard3)] });
  const e3 = await rejection(agent3.invoke({ messages: 'Go' } as any, kavachHandler(guard3).config()));
  console.log('retry', (e3 as any).name, findKavachError(e3)?.code, w.sim.ledger.requests);
  const guard4 = new AgentKavach({ budget: Budget.total(10), onThreshold: { 0.0001: { model: 'gpt-4o-mini' } } });
  guard4.charge(1, 'x');
  const init = await initChatModel('openai:gpt-4o', { apiKey: 'x', maxRetries: 0, configuration: { baseURL: w.sim.baseURL('openai') } });
  const agent4 = createAgent({ model: init, tools: [], responseFormat: z.object({ word: z.string() }), middleware: [kavachMiddleware(guard4)] });
  w.sim.script(() => ({ text: '{"word":"hello"}' }));
  const before = w.sim.ledger.totalNano();
  const r4 = await agent4.invoke({ messages: 'Go' } as any);
  console.log(r4.structuredResponse, w.sim.ledger.entries.at(-1)?.model, spentNano(guard4) - 1e9, w.sim.ledger.totalNano() - before);
  const g5 = new AgentKavach({ budget: Budget.calls(2, 'daily') });
  const so = guardChatModel(init, g5).withStructuredOutput(z.object({ word: z.string() }));
  console.log(await so.invoke('hi'), await so.invoke('x'), findKavachError(await rejection(so.invoke('hi')))?.code, w.sim.ledger.requests);
  const so2 = guardChatModel(w.openai(), new AgentKavach({ budget: Budget.calls(1, 'daily') })).withStructuredOutput(z.object({ word: z.string() }), { includeRaw: true });
  console.log((await so2.invoke('hi')).parsed, findKavachError(await rejection(so2.invoke('hi')))?.code, w.sim.ledger.requests);
});
