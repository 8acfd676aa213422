import { describe, expect, it } from 'vitest';
import type { CallParams } from './provider-options.ts';
import { granted, toCallRequest } from './request.ts';

const OPENAI = { provider: 'openai.responses', modelId: 'gpt-5' };
const CHAT = { provider: 'openai.chat', modelId: 'gpt-4o' };
const CLAUDE = { provider: 'anthropic.messages', modelId: 'claude-sonnet-4-5' };
const GEMINI = { provider: 'google.generative-ai', modelId: 'gemini-2.5-pro' };
const prompt = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }];
const request = (model: typeof OPENAI, params: CallParams = {}) => toCallRequest(model, { prompt, ...params });

describe('the request', () => {
  it('tells one model object from another, which may ask another host', () => {
    expect(request({ ...OPENAI }).address).not.toBe(request({ ...OPENAI }).address);
    expect(request(OPENAI).address).toBe(request(OPENAI, { maxOutputTokens: 9 }).address);
  });

  it('shows all that becomes input, and keeps the prompt as identity', () => {
    const params = {
      prompt,
      tools: [{ type: 'function', name: 'f' }],
      responseFormat: { type: 'json' },
      providerOptions: {},
    };
    const call = toCallRequest(CHAT, params);
    expect(call).toMatchObject({
      provider: 'openai',
      model: 'gpt-4o',
      canClampOutput: true,
      input: params,
      extraOutputTokens: 0,
    });
    expect(call.identity).toBe(prompt);
    expect(call.inputTokens).toBeUndefined();
  });

  it('takes the cap by whatever name the provider reads, for its own options only', () => {
    expect(request(CHAT, { maxOutputTokens: 100 }).maxOutputTokens).toBe(100);
    const options = { openai: { maxCompletionTokens: 700 } };
    expect(request(CHAT, { maxOutputTokens: 100, providerOptions: options }).maxOutputTokens).toBe(700);
    expect(request(CLAUDE, { maxOutputTokens: 100, providerOptions: options }).maxOutputTokens).toBe(100);
    const compatible = { provider: 'my-proxy.chat', modelId: 'x' };
    expect(request(compatible, { providerOptions: { myProxy: { max_tokens: 9000, n: 4 } } })).toMatchObject({
      maxOutputTokens: 9000,
      candidates: 4,
    });
  });

  it('sends the granted cap under every name', () => {
    const params = {
      prompt,
      maxOutputTokens: 100,
      providerOptions: { openai: { maxCompletionTokens: 700, user: 'u' }, other: { a: 1 } },
    };
    const signal = new AbortController().signal;
    const sent = granted(params, toCallRequest(CHAT, params), { maxOutputTokens: 256, signal, model: 'gpt-4o' });
    expect(sent).toMatchObject({
      prompt,
      maxOutputTokens: 256,
      abortSignal: signal,
      providerOptions: { openai: { maxCompletionTokens: 256, user: 'u' }, other: { a: 1 } },
    });
    expect(params.providerOptions.openai.maxCompletionTokens).toBe(700);
  });
});

describe('output on top of the cap', () => {
  it.each([
    [{ thinking: { type: 'enabled', budgetTokens: 2000 } }, 2000],
    [{ thinking: { type: 'enabled' } }, 1024],
    [{ thinking: { type: 'adaptive' } }, 0],
    [{ thinking: { type: 'disabled' } }, 0],
    [{}, 0],
  ])('for Claude with %j is %i', (anthropic, extra) => {
    expect(request(CLAUDE, { providerOptions: { anthropic } }).extraOutputTokens).toBe(extra);
  });

  it('follows the SDK’s reasoning levels for Claude models with a budget', () => {
    expect(request(CLAUDE, { reasoning: 'high' }).extraOutputTokens).toBe(38_400);
    expect(request(CLAUDE, { reasoning: 'none' }).extraOutputTokens).toBe(0);
    expect(request({ ...CLAUDE, modelId: 'claude-opus-5' }, { reasoning: 'high' }).extraOutputTokens).toBe(0);
    expect(request({ ...CLAUDE, modelId: 'claude-opus-4-6' }, { reasoning: 'high' }).extraOutputTokens).toBe(0);
    expect(request(OPENAI, { reasoning: 'high' }).extraOutputTokens).toBe(0);
  });

  it('holds for Claude on Bedrock, and for predicted output at OpenAI', () => {
    const bedrock = { provider: 'amazon-bedrock', modelId: 'us.anthropic.claude-sonnet-4-5-v1:0' };
    const reasoningConfig = { type: 'enabled', budgetTokens: 3000 };
    expect(request(bedrock, { providerOptions: { bedrock: { reasoningConfig } } }).extraOutputTokens).toBe(3000);
    const prediction = { type: 'content', content: 'abc' };
    expect(request(CHAT, { providerOptions: { openai: { prediction } } }).extraOutputTokens).toBe(9);
  });
});

describe('output that a stream does not show', () => {
  it.each([
    [OPENAI, { providerOptions: { openai: { reasoningEffort: 'low' } } }, true],
    [OPENAI, { providerOptions: { openai: { reasoningEffort: 'none' } } }, undefined],
    [CLAUDE, { providerOptions: { anthropic: { thinking: { type: 'adaptive' } } } }, true],
    [CLAUDE, { providerOptions: { anthropic: { thinking: { type: 'disabled' } } } }, undefined],
    [GEMINI, { providerOptions: { google: { thinkingConfig: { thinkingLevel: 'high' } } } }, true],
    [GEMINI, { providerOptions: { google: { thinkingConfig: { thinkingBudget: 0 } } } }, undefined],
    [GEMINI, { reasoning: 'medium' }, true],
    [GEMINI, { reasoning: 'provider-default' }, undefined],
  ])('%j %j: %s', (model, params, hidden) => {
    expect(request(model, params).hidesOutput).toBe(hidden);
  });
});

describe('input that the prompt does not show', () => {
  it.each([
    [OPENAI, { openai: { previousResponseId: 'resp_1' } }],
    [OPENAI, { openai: { conversation: 'conv_1' } }],
    [OPENAI, { openai: { contextManagement: [{ type: 'compaction', compactThreshold: 9 }] } }],
    [GEMINI, { google: { cachedContent: 'cachedContents/1' } }],
    [CLAUDE, { anthropic: { container: { id: 'c' } } }],
    [CLAUDE, { anthropic: { mcpServers: [{ type: 'url' }] } }],
    [CLAUDE, { anthropic: { compaction: { type: 'summarize' } } }],
    [{ provider: 'gateway', modelId: 'openai/gpt-5' }, { openai: { previousResponseId: 'resp_1' } }],
  ])('is bounded by the context window: %j %j', (model, providerOptions) => {
    expect(request(model, { providerOptions }).inputTokens).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('is there where results of tools at OpenAI are sent back by reference', () => {
    const part = { type: 'tool-result', providerExecuted: true, providerOptions: { openai: { itemId: 'ws_1' } } };
    const stored = [...prompt, { role: 'assistant', content: [part] }];
    expect(toCallRequest(OPENAI, { prompt: stored }).inputTokens).toBe(Number.MAX_SAFE_INTEGER);
    const options = { openai: { store: false } };
    expect(toCallRequest(OPENAI, { prompt: stored, providerOptions: options }).inputTokens).toBeUndefined();
  });

  it('is not there for another provider’s options', () => {
    expect(request(CLAUDE, { providerOptions: { openai: { previousResponseId: 'x' } } }).inputTokens).toBeUndefined();
  });
});

describe('price hints', () => {
  it.each([
    [OPENAI, { openai: { serviceTier: 'priority' } }, 'priority'],
    [{ provider: 'azure.responses', modelId: 'd' }, { azure: { serviceTier: 'flex' } }, 'flex'],
    [GEMINI, { google: { serviceTier: 'flex' } }, 'flex'],
    [CLAUDE, { anthropic: { speed: 'fast' } }, 'fast'],
    [CLAUDE, { anthropic: { inferenceGeo: 'us' } }, 'us'],
    [CLAUDE, { anthropic: { serviceTier: 'auto' } }, undefined],
    [CLAUDE, { openai: { serviceTier: 'priority' } }, undefined],
  ])('%j with %j asks for the tier %s', (model, providerOptions, tier) => {
    expect(request(model, { providerOptions }).serviceTier).toBe(tier);
  });

  it('find cache marks wherever Claude takes them', () => {
    const mark = (ttl?: string) => ({
      providerOptions: { anthropic: { cacheControl: { type: 'ephemeral', ...(ttl && { ttl }) } } },
    });
    const user = (part: object) => [{ role: 'user', content: [{ type: 'text', text: 'Hi', ...part }] }];
    const result = {
      type: 'tool-result',
      output: { type: 'content', value: [{ type: 'text', text: 'x', ...mark('1h') }] },
    };
    expect(request(CLAUDE).cacheWrite).toBe('none');
    expect(request(OPENAI).cacheWrite).toBeUndefined();
    expect(toCallRequest(CLAUDE, { prompt: user(mark()) }).cacheWrite).toBe('5m');
    expect(toCallRequest(CLAUDE, { prompt: user(mark('1h')) }).cacheWrite).toBe('1h');
    expect(
      toCallRequest(CLAUDE, { prompt: [{ role: 'system', content: 'x', ...mark('1h') }, ...user(mark())] }).cacheWrite,
    ).toBe('1h');
    expect(toCallRequest(CLAUDE, { prompt: [{ role: 'tool', content: [result] }] }).cacheWrite).toBe('1h');
    expect(request(CLAUDE, { tools: [{ type: 'function', name: 'f', ...mark() }] }).cacheWrite).toBe('5m');
    expect(request(CLAUDE, mark('1h')).cacheWrite).toBe('1h');
    const bedrock = { provider: 'amazon-bedrock', modelId: 'anthropic.claude-sonnet-4-5-v1:0' };
    const point = { providerOptions: { bedrock: { cachePoint: { type: 'default' } } } };
    expect(toCallRequest(bedrock, { prompt: [{ role: 'user', content: [], ...point }] }).cacheWrite).toBe('5m');
    expect(request(bedrock).cacheWrite).toBeUndefined();
  });

  it('say that a prompt holds nothing but text', () => {
    const content = (...parts: object[]) => [...prompt, { role: 'user', content: parts }];
    const result = (output: object) => content({ type: 'tool-result', toolCallId: '1', toolName: 'f', output });
    const image = { type: 'file', mediaType: 'image/png', data: new Uint8Array(1) };
    const texts = [
      [{ role: 'system', content: 'Be brief.' }, ...prompt],
      content({ type: 'reasoning', text: 'x' }, { type: 'tool-call', toolCallId: '1', toolName: 'f', input: {} }),
      result({ type: 'json', value: { type: 'file' } }),
      result({ type: 'content', value: [{ type: 'text', text: 'x' }] }),
    ];
    const others = [
      content(image),
      content({ type: 'unheard-of' }),
      result({ type: 'content', value: [{ type: 'text', text: 'x' }, image] }),
      result({ type: 'content', value: [{ type: 'media', data: '', mediaType: 'audio/wav' }] }),
    ];
    for (const text of texts) expect(toCallRequest(GEMINI, { prompt: text }).textOnly, JSON.stringify(text)).toBe(true);
    for (const other of others) expect(toCallRequest(GEMINI, { prompt: other }).textOnly).toBeUndefined();
    const cached = { google: { cachedContent: 'cachedContents/1' } };
    expect(request(GEMINI, { providerOptions: cached }).textOnly).toBeUndefined();
    const urls = { type: 'provider', id: 'google.url_context', name: 'url_context', args: {} };
    expect(request(GEMINI, { tools: [urls] }).textOnly).toBeUndefined();
  });
});

describe('tools that the provider runs', () => {
  const tool = (id: string, args: object = {}) => ({ type: 'provider', id, name: id, args });
  const GEMINI_3 = { ...GEMINI, modelId: 'gemini-3-pro-preview' };
  const two = { openai: { maxToolCalls: 2 } };
  const container = (memoryLimit: string) => ({ type: 'containerAuto', memoryLimit });

  it.each([
    [CLAUDE, [tool('anthropic.web_search_20250305', { maxUses: 3 })], { web_search: 3 }, 4],
    [CLAUDE, [tool('anthropic.web_search_20250305'), tool('anthropic.web_fetch_20250910')], { web_search: 5 }, 11],
    [CLAUDE, [tool('anthropic.web_search_20260209', { maxUses: 3 })], { web_search: 3 }, 11],
    [CLAUDE, [tool('anthropic.code_execution_20250825')], { code_execution: 1 }, 11],
    [CLAUDE, [tool('anthropic.tool_search_bm25_20251119')], undefined, 11],
    [CLAUDE, [tool('anthropic.bash_20250124'), tool('anthropic.memory_20250818')], undefined, undefined],
    [OPENAI, [tool('openai.web_search'), tool('openai.file_search')], { web_search: 5, file_search: 5 }, 6],
    [OPENAI, [tool('openai.some_new_tool')], { some_new_tool: 5 }, 6],
    [OPENAI, [tool('openai.mcp'), tool('openai.tool_search')], undefined, 6],
    [OPENAI, [tool('openai.tool_search', { execution: 'client' }), tool('openai.shell')], undefined, undefined],
    [GEMINI, [tool('google.google_search'), tool('google.url_context')], { google_search: 1 }, undefined],
    [GEMINI, [tool('google.code_execution')], { code_execution: 1 }, undefined],
    [GEMINI_3, [tool('google.google_search')], { google_search: 5 }, 6],
    [OPENAI, [{ type: 'function', name: 'web_search' }], undefined, undefined],
    [{ provider: 'openai.chat', modelId: 'gpt-4o-search-preview' }, undefined, { web_search_preview: 1 }, undefined],
  ])('%j %j: calls %j, input read %s times', (model, tools, toolCalls, inputRounds) => {
    expect(request(model, { tools })).toMatchObject({ toolCalls, inputRounds });
  });

  it('are held by the limit that the caller set', () => {
    const tools = [tool('openai.web_search_preview'), tool('openai.file_search')];
    const call = request(OPENAI, { tools, providerOptions: two });
    expect(call).toMatchObject({ toolCalls: { web_search_preview: 2, file_search: 2 }, inputRounds: 3 });
    expect(request(CLAUDE, { providerOptions: { anthropic: { mcpServers: [{ type: 'url' }] } } }).inputRounds).toBe(11);
  });

  it.each([
    ['openai.code_interpreter', {}, 'code_execution'],
    ['openai.code_interpreter', { container: { memoryLimit: '1g' } }, 'code_execution'],
    ['openai.code_interpreter', { container: { memoryLimit: '4g' } }, 'code_execution_4g'],
    ['openai.code_interpreter', { container: { memoryLimit: '64g' } }, 'code_execution_64g'],
    ['openai.code_interpreter', { container: { memoryLimit: '128g' } }, 'code_execution_64g'],
    ['openai.code_interpreter', { container: 'cntr_1' }, 'code_execution_64g'],
    ['openai.shell', { environment: container('16g') }, 'code_execution_16g'],
    ['openai.shell', { environment: { type: 'containerAuto' } }, 'code_execution'],
    ['openai.shell', { environment: { type: 'containerReference', containerId: 'c' } }, 'code_execution_64g'],
  ])('have the fee of their container: %s %j is %s', (id, args, fee) => {
    expect(request(OPENAI, { tools: [tool(id, args)] }).toolCalls).toEqual({ [fee]: 1 });
  });

  it('put out what nobody knows in a hosted shell', () => {
    const hosted = [tool('openai.shell', { environment: container('1g') })];
    expect(request(OPENAI, { tools: hosted })).toMatchObject({ inputTokens: Number.MAX_SAFE_INTEGER, inputRounds: 6 });
    expect(request(OPENAI, { tools: [tool('openai.shell', { environment: { type: 'local' } })] }).inputTokens).toBe(
      undefined,
    );
  });
});
