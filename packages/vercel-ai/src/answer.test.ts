import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { CallRequest, StreamMeter } from '@agentkavach/core';
import { keptItemsOf } from '@agentkavach/core/providers';
import { describe, expect, it, vi } from 'vitest';
import { modelOfAnswer, usageOfAnswer } from './answer.ts';
import { ToolFees } from './provider-tools.ts';
import { StreamReader } from './stream.ts';

const request = (provider: string, extra: Partial<CallRequest> = {}): CallRequest => ({
  provider,
  model: 'gemini-3-pro',
  ...extra,
});

describe('the usage of an answer', () => {
  it('comes from the body, which has what the SDK leaves out', () => {
    const usage = {
      inputTokens: { total: 10 },
      outputTokens: { total: 5 },
      raw: { prompt_tokens: 10, completion_tokens: 5 },
    };
    const body = {
      service_tier: 'flex',
      choices: [],
      usage: { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { audio_tokens: 4 } },
    };
    expect(usageOfAnswer(request('openai'), { usage, response: { body } })).toMatchObject({
      inputTokens: 10,
      inputAudioTokens: 4,
      serviceTier: 'flex',
    });
  });

  it('comes from Gemini’s sum over several requests, not from the last body', () => {
    const usage = { raw: { promptTokenCount: 30, candidatesTokenCount: 20 } };
    const body = { usageMetadata: { promptTokenCount: 20, candidatesTokenCount: 5 } };
    expect(usageOfAnswer(request('google'), { usage, response: { body } })).toMatchObject({
      inputTokens: 30,
      outputTokens: 20,
    });
  });

  it('comes from the provider’s metadata where the usage has no raw figures', () => {
    const anthropic = { usage: { input_tokens: 4, cache_read_input_tokens: 100, output_tokens: 9 } };
    const usage = { inputTokens: 4, cachedInputTokens: 100, outputTokens: 9 };
    expect(usageOfAnswer(request('anthropic'), { usage, providerMetadata: { anthropic } })).toMatchObject({
      inputTokens: 104,
      outputTokens: 9,
    });
  });

  it('reads V2’s flat fields, and adds the cache that Anthropic’s V2 models leave out', () => {
    const usage = { inputTokens: 50, cachedInputTokens: 40, outputTokens: 9, reasoningTokens: 3, totalTokens: 59 };
    expect(usageOfAnswer(request('openai'), { usage })).toMatchObject({
      inputTokens: 50,
      cacheReadTokens: 40,
      outputTokens: 9,
      reasoningTokens: 3,
    });
    const providerMetadata = { anthropic: { cacheCreationInputTokens: 7 } };
    expect(usageOfAnswer(request('anthropic'), { usage, providerMetadata })).toMatchObject({
      inputTokens: 97,
      cacheWriteTokens: 7,
    });
    // The same model behind the SDK's adapter to V4.
    const adapted = { inputTokens: { total: 50, cacheRead: 40 }, outputTokens: { total: 9 }, raw: { totalTokens: 59 } };
    expect(usageOfAnswer(request('anthropic'), { usage: adapted, providerMetadata })).toMatchObject({
      inputTokens: 97,
    });
  });

  it.each([
    undefined,
    {},
    { inputTokens: {}, outputTokens: {}, raw: undefined },
    { inputTokens: { total: NaN }, outputTokens: { total: -1 } },
    { inputTokens: '5', outputTokens: null },
  ])('%j is unknown, not free', (usage) => {
    expect(usageOfAnswer(request('openai'), { usage })).toBeUndefined();
  });

  it('settles on the tier asked where the answer names none, unless it is a cheaper one', () => {
    const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
    expect(usageOfAnswer(request('openai', { serviceTier: 'priority' }), { usage })?.serviceTier).toBe('priority');
    expect(usageOfAnswer(request('openai', { serviceTier: 'flex' }), { usage })?.serviceTier).toBeUndefined();
    const providerMetadata = { openai: { serviceTier: 'default' } };
    expect(
      usageOfAnswer(request('openai', { serviceTier: 'priority' }), { usage, providerMetadata })?.serviceTier,
    ).toBe('default');
  });

  it('counts searches with Google', () => {
    const usage = { raw: { promptTokenCount: 1, candidatesTokenCount: 1 } };
    const providerMetadata = { google: { groundingMetadata: { webSearchQueries: ['a', 'b', 'c'] } } };
    expect(usageOfAnswer(request('google'), { usage, providerMetadata })?.toolCalls).toEqual({ google_search: 3 });
  });

  it('names the model that answered, without the gateway’s prefix', () => {
    expect(modelOfAnswer(request('openai'), { modelId: 'gpt-4o-2024-08-06' })).toBe('gpt-4o-2024-08-06');
    expect(modelOfAnswer(request('openai'), { modelId: 'openai/gpt-4o' })).toBe('gpt-4o');
    expect(modelOfAnswer(request('google'), { body: { modelVersion: 'gemini-2.5-flash' } })).toBe('gemini-2.5-flash');
    expect(modelOfAnswer(request('google'), {})).toBeUndefined();
  });
});

describe('tools that the provider ran', () => {
  const tools = [
    { type: 'provider', id: 'openai.web_search', name: 'search', args: {} },
    { type: 'provider', id: 'openai.file_search', name: 'files', args: {} },
    { type: 'provider', id: 'openai.code_interpreter', name: 'code', args: {} },
    { type: 'function', name: 'mine' },
  ];
  const count = (...parts: object[]) => {
    const fees = new ToolFees(tools);
    for (const part of parts) fees.see(part as { type: string });
    return fees.counts;
  };

  it('are counted by what is billed: searches, queries, containers', () => {
    const code = (id: string) => ({ type: 'tool-call', toolName: 'code', input: `{"code":"1","containerId":"${id}"}` });
    expect(
      count(
        { type: 'tool-call', toolName: 'search' },
        { type: 'tool-result', toolName: 'search', result: { action: { type: 'search' } } },
        { type: 'tool-result', toolName: 'search', result: { action: { type: 'openPage' } } },
        { type: 'tool-call', toolName: 'files' },
        { type: 'tool-result', toolName: 'files' },
        code('a'),
        code('a'),
        code('b'),
        { type: 'tool-call', toolName: 'mine' },
      ),
    ).toEqual({ web_search: 1, file_search: 1, code_execution: 2 });
    expect(count({ type: 'text' })).toBeUndefined();
  });

  it('are counted by the size of their container', () => {
    const tool = (id: string, name: string, args: object) => ({ type: 'provider', id, name, args });
    const call = (toolName: string) => ({ type: 'tool-call', toolName, input: '{}' });
    const fees = new ToolFees([
      tool('openai.code_interpreter', 'code', { container: { memoryLimit: '16g' } }),
      tool('openai.shell', 'sh', { environment: { type: 'containerAuto', memoryLimit: '64g' } }),
    ]);
    for (const part of [call('code'), call('sh'), call('sh')]) fees.see(part);
    expect(fees.counts).toEqual({ code_execution_16g: 1, code_execution_64g: 1 });
  });
});

describe('a stream', () => {
  const read = (parts: readonly object[], provider = 'openai') => {
    const meter = {
      output: vi.fn(),
      usage: vi.fn(),
      model: vi.fn(),
      toolCall: vi.fn(),
      failed: vi.fn(),
      ended: vi.fn(),
    } satisfies StreamMeter;
    const reader = new StreamReader(request(provider), new ToolFees([]), 'truncate', keptItemsOf({}));
    for (const part of parts) reader.meter(part as LanguageModelV4StreamPart, meter);
    return { meter, reader };
  };
  const finish = (unified: string) => ({
    type: 'finish',
    finishReason: { unified, raw: undefined },
    usage: { inputTokens: { total: 5 }, outputTokens: { total: 1 } },
  });

  it('is metered by its text, reasoning and tool calls, each once', () => {
    const { meter } = read([
      { type: 'reasoning-delta', id: 'r', delta: 'think' },
      { type: 'text-delta', id: 't', delta: 'say' },
      { type: 'tool-input-start', id: 'c1', toolName: 'look_up' },
      { type: 'tool-input-delta', id: 'c1', delta: '{}' },
      { type: 'tool-call', toolCallId: 'c1', toolName: 'look_up', input: '{}' },
      { type: 'tool-call', toolCallId: 'c2', toolName: 'f', input: '{"a":1}' },
      { type: 'tool-input-start', id: 'c3', toolName: 'g', providerExecuted: true },
      { type: 'tool-call', toolCallId: 'c3', toolName: 'g', input: '{"b":2}', providerExecuted: true },
      { type: 'response-metadata', modelId: 'gpt-4o-2024-08-06' },
      finish('stop'),
    ]);
    const frame = /^x{64}$/;
    const seen = (meter.output.mock.calls as string[][]).flat();
    expect(seen.filter((text) => !frame.test(text))).toEqual([
      'think',
      'say',
      'look_up',
      '{}',
      'f',
      '{"a":1}',
      'g',
      '{"b":2}',
    ]);
    expect(seen.filter((text) => frame.test(text))).toHaveLength(3);
    expect(meter.toolCall).toHaveBeenCalledTimes(2);
    expect(meter.model).toHaveBeenCalledWith('gpt-4o-2024-08-06');
    expect(meter.usage).toHaveBeenCalledOnce();
    expect(meter.failed).not.toHaveBeenCalled();
  });

  it.each(['interrupted', 'error'])('that ends %s reports no final usage', (reason) => {
    const { meter } = read([finish(reason)]);
    expect(meter.usage).not.toHaveBeenCalled();
    expect(meter.failed).toHaveBeenCalledOnce();
  });

  it('reports its usage where the provider’s own last word is what the SDK calls an error', () => {
    const { meter } = read([
      { ...finish('error'), finishReason: { unified: 'error', raw: 'MALFORMED_FUNCTION_CALL' } },
    ]);
    expect(meter.usage).toHaveBeenCalledOnce();
    expect(meter.failed).not.toHaveBeenCalled();
    const unsaid = { type: 'finish', finishReason: { unified: 'error', raw: 'failed' }, usage: undefined };
    expect(read([unsaid]).meter.failed).toHaveBeenCalledOnce();
  });

  it('leaves an abort of the caller to the caller', () => {
    const { reader } = read([{ type: 'text-start', id: 't' }]);
    expect(reader.onStop(new DOMException('stop', 'AbortError'))).toBeUndefined();
  });
});
