import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { AgentKavach, Budget, ConfigError, findKavachError } from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { generateText, streamText, tool, wrapLanguageModel, type ToolSet } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { kavach } from '../src/index.ts';
import { world } from './world.ts';

/** A provider's answer that is the same for every request, and what was sent and held when it was asked for. */
function answering(guard: AgentKavach, answer: object) {
  const seen: { body: Record<string, unknown>; held: number }[] = [];
  const fetch: typeof globalThis.fetch = (_url, init) => {
    seen.push({ body: JSON.parse(String(init?.body)) as Record<string, unknown>, held: reserved(guard) });
    return Promise.resolve(Response.json(answer));
  };
  return { seen, fetch };
}

const openaiAnswer = (...output: object[]) => ({
  id: 'r',
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: 'gpt-4o-mini',
  output: [
    ...output,
    {
      type: 'message',
      id: 'm',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'ok', annotations: [] }],
    },
  ],
  usage: { input_tokens: 300, output_tokens: 10, total_tokens: 310 },
});
/** 300 tokens at $0.15 and 10 at $0.60 per million. */
const TOKENS_COST = 51_000;

const claudeAnswer = {
  id: 'm',
  type: 'message',
  role: 'assistant',
  model: 'claude-haiku-4-5',
  content: [{ type: 'text', text: 'ok' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 100, output_tokens: 10 },
};

describe('a tool that the provider runs', () => {
  it('is limited at OpenAI, and its rounds are held', async () => {
    const guard = new AgentKavach({ budget: Budget.total(5) });
    const { seen, fetch } = answering(guard, openaiAnswer());
    const openai = createOpenAI({ apiKey: 'x', fetch });
    const model = wrapLanguageModel({ model: openai('gpt-4o-mini'), middleware: kavach(guard) });
    const tools = { web_search: openai.tools.webSearch({}) };
    await generateText({ model, prompt: 'Hi', tools });
    await generateText({ model, prompt: 'Hi', tools, providerOptions: { openai: { maxToolCalls: 1 } } });
    expect(seen.map(({ body }) => body['max_tool_calls'])).toEqual([5, 1]);
    // The fee of each search, and a window of 128,000 tokens at $0.15 per million for each time it is read.
    expect(seen[0]?.held).toBeGreaterThan(5 * 0.01 + (6 * 128_000 * 0.15) / 1e6);
    expect(seen[1]?.held).toBeGreaterThan(0.01 + (2 * 128_000 * 0.15) / 1e6);
    expect(seen[1]?.held).toBeLessThan(seen[0]?.held ?? 0);
  });

  it('is limited at Anthropic', async () => {
    const guard = new AgentKavach({ budget: Budget.total(50) });
    const { seen, fetch } = answering(guard, claudeAnswer);
    const anthropic = createAnthropic({ apiKey: 'x', fetch });
    const model = wrapLanguageModel({ model: anthropic('claude-haiku-4-5'), middleware: kavach(guard) });
    await generateText({
      model,
      prompt: 'Hi',
      tools: {
        search: anthropic.tools.webSearch_20250305({}),
        fetch: anthropic.tools.webFetch_20250910({ maxUses: 1 }),
      },
    });
    expect(seen[0]?.body['tools']).toMatchObject([{ max_uses: 5 }, { max_uses: 1 }]);
  });

  it('is charged for the container that it runs in', async () => {
    const guard = new AgentKavach({ budget: Budget.total(50) });
    const call = { type: 'shell_call', id: 's1', call_id: 'c', status: 'completed', action: { commands: ['ls'] } };
    const outcome = { type: 'exit', exit_code: 0 };
    const output = {
      type: 'shell_call_output',
      id: 's2',
      call_id: 'c',
      status: 'completed',
      output: [{ stdout: '', stderr: '', outcome }],
    };
    const { seen, fetch } = answering(guard, openaiAnswer(call, output));
    const openai = createOpenAI({ apiKey: 'x', fetch });
    const model = wrapLanguageModel({ model: openai('gpt-4o-mini'), middleware: kavach(guard) });
    const shell = openai.tools.shell({ environment: { type: 'containerAuto', memoryLimit: '64g' } });
    await generateText({ model, prompt: 'Hi', tools: { shell } });
    expect(seen[0]?.held).toBeGreaterThan(1.92);
    expect(spentNano(guard)).toBe(1_920_000_000 + TOKENS_COST);
  });
});

describe('a model that may answer instead', () => {
  it('is refused at Anthropic and at a router, before anything is sent', async () => {
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const { seen, fetch } = answering(guard, claudeAnswer);
    const claude = wrapLanguageModel({
      model: createAnthropic({ apiKey: 'x', fetch })('claude-haiku-4-5'),
      middleware: kavach(guard),
    });
    const router = createOpenAICompatible({ name: 'openrouter', baseURL: 'http://localhost/v1', fetch });
    const routed = wrapLanguageModel({ model: router('openai/gpt-4o-mini'), middleware: kavach(guard) });
    const calls = [
      {
        model: claude,
        providerOptions: { anthropic: { fallbacks: [{ model: 'claude-opus-5', max_tokens: 64_000 }] } },
      },
      { model: routed, providerOptions: { openrouter: { models: ['openai/gpt-4o-mini', 'openai/o1-pro'] } } },
      { model: routed, providerOptions: { openrouter: { model: 'openai/o1-pro' } } },
    ];
    for (const call of calls) {
      const error = findKavachError(await rejection(generateText({ ...call, prompt: 'Hi', maxOutputTokens: 100 })));
      expect(error).toBeInstanceOf(ConfigError);
    }
    expect(seen).toEqual([]);
    expect(spentNano(guard)).toBe(0);
  });
});

describe('a stream of tool calls whose usage is missing', () => {
  it.each(['chat', 'responses'] as const)('is charged for their names: %s', async (api) => {
    const name = 'a_tool_with_a_long_and_descriptive_name_that_has_64_characters__';
    const toolCalls = Array.from({ length: 60 }, () => ({ name, arguments: {} }));
    await using w = await world(() => ({ toolCalls, omitUsage: true }));
    const guard = new AgentKavach({ budget: Budget.total(10) });
    const model = wrapLanguageModel({ model: w.openai[api]('gpt-4o'), middleware: kavach(guard) });
    const tools: ToolSet = { [name]: tool({ inputSchema: z.object({ word: z.string() }) }) };
    await streamText({ model, prompt: 'Hi', tools, maxRetries: 0 }).consumeStream();
    await guard.flush();
    await w.sim.ledger.settled();
    expect(w.sim.ledger.totalNano()).toBeGreaterThan(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });
});
