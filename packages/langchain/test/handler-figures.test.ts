import { randomUUID } from 'node:crypto';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import type { LLMResult } from '@langchain/core/outputs';
import { AzureChatOpenAI, OpenAI } from '@langchain/openai';
import { AgentKavach, Budget } from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { guardChatModel, kavachHandler } from '../src/index.ts';
import { drain, world } from './world.ts';

beforeEach(() => {
  // LangChain writes every error of a handler to the console.
  vi.spyOn(console, 'error').mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('what LangChain’s figures leave out is charged as asked', () => {
  it('cache writes of one hour, in a stream', async () => {
    await using w = await world(() => ({ tokens: 40, usage: { inputTokens: 4_000, cacheWrite1h: 3_000 } }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const cache = { type: 'ephemeral', ttl: '1h' };
    const content = [{ type: 'text', text: 'word '.repeat(4_000), cache_control: cache }];
    await drain(w.anthropic().stream([new HumanMessage({ content })], { callbacks: [kavachHandler(guard)] }));
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  const USAGE = { input_tokens: 10, output_tokens: 10, total_tokens: 20 };
  const SEARCH = { type: 'web_search_call', id: 'ws', status: 'completed', action: { type: 'search', query: 'q' } };
  it.each<[string, Record<string, unknown>, number]>([
    ['not shown: as many as are allowed', {}, 30_000_000],
    ['shown', { output: [SEARCH] }, 10_000_000],
    ['shown to be none', { output: [] }, 0],
  ])('searches that OpenAI runs, %s', async (_title, metadata, fees) => {
    const guard = new AgentKavach({ budget: Budget.total(100) });
    const handler = kavachHandler(guard);
    const id = randomUUID();
    const params = { model: 'gpt-4.1', tools: [{ type: 'web_search' }], max_tool_calls: 3, max_output_tokens: 100 };
    const llm = { lc: 1, type: 'not_implemented' as const, id: ['ChatOpenAI'] };
    const hi = [[new HumanMessage('Hi')]];
    await handler.handleChatModelStart(llm, hi, id, undefined, { invocation_params: params }, [], {
      ls_provider: 'openai',
    });
    const message = Object.assign(new AIMessage({ content: 'Hi', response_metadata: metadata }), {
      usage_metadata: USAGE,
    });
    const generation: LLMResult['generations'][number][number] & { message: AIMessage } = { text: 'Hi', message };
    handler.handleLLMEnd({ generations: [[generation]] }, id);
    expect(spentNano(guard)).toBe(10 * 2_000 + 10 * 8_000 + fees);
  });
});

it('answers that the completions API writes for best_of are held', async () => {
  await using w = await world();
  const prices = { 'gpt-3.5-turbo-instruct': { inputPerMillion: 1.5, outputPerMillion: 2 } };
  const guard = new AgentKavach({ budget: Budget.total(1), prices });
  const fields = { model: 'gpt-3.5-turbo-instruct', apiKey: 'test', maxRetries: 0, bestOf: 20, maxTokens: 100 };
  const model = new OpenAI({ ...fields, configuration: { baseURL: w.sim.baseURL('openai') } });
  const held = vi.fn(() => reserved(guard));
  await model.invoke('Hi', { callbacks: [kavachHandler(guard), { handleLLMStart: held, raiseError: true }] });
  expect(held.mock.results[0]?.value).toBeGreaterThan((20 * 100 * 2) / 1e6);
});

describe('a deployment of Azure', () => {
  const FIELDS = {
    azureOpenAIApiKey: 'test',
    azureOpenAIApiInstanceName: 'nowhere',
    azureOpenAIApiVersion: '2024-10-21',
    maxRetries: 0,
  };

  it('is not taken for the cheap model that LangChain assumes', async () => {
    const prices = { 'gpt-3.5-turbo': { inputPerMillion: 0.5, outputPerMillion: 1.5 } };
    const guard = new AgentKavach({ budget: Budget.total(1), prices });
    const model = new AzureChatOpenAI({ ...FIELDS, azureOpenAIApiDeploymentName: 'my-best' });
    const unknown = { model: 'my-best' };
    expect(await rejection(model.invoke('Hi', { callbacks: [kavachHandler(guard)] }))).toMatchObject(unknown);
    expect(await rejection(guardChatModel(model, guard).invoke('Hi'))).toMatchObject(unknown);
  });

  it('is not switched: the request goes to the deployment, whatever its model is', async () => {
    vi.spyOn(console, 'warn').mockReturnValue();
    const fetched = vi.fn((_url: unknown, _init: unknown) => Promise.resolve(new Response('{}', { status: 400 })));
    const prices = {
      'gpt-4o': { inputPerMillion: 2.5, outputPerMillion: 10 },
      'gpt-4o-mini': { inputPerMillion: 0.15, outputPerMillion: 0.6 },
    };
    const onThreshold = { 0.5: { model: 'gpt-4o-mini' } };
    const guard = new AgentKavach({ budget: Budget.total(1), prices, onThreshold });
    const model = new AzureChatOpenAI({
      ...FIELDS,
      model: 'gpt-4o',
      azureOpenAIApiDeploymentName: 'my-best',
      configuration: { fetch: fetched },
    });
    guard.charge(0.6, 'before');
    await rejection(guardChatModel(model, guard).invoke('Hi'));
    expect(JSON.stringify(fetched.mock.calls[0])).toContain('my-best');
    expect(JSON.stringify(fetched.mock.calls[0])).not.toContain('mini');
  });
});
