/** What the drafts hold of requests that say less than they cost, or say it in a way of their own. */
import { describe, expect, it } from 'vitest';
import { ANTHROPIC_ENDPOINTS } from './anthropic.ts';
import { ruleOf, type Draft, type Endpoints } from './draft.ts';
import { GOOGLE_ENDPOINTS } from './google.ts';
import { OPENAI_ENDPOINTS, openaiEndpoints, openaiProvider } from './openai.ts';
import type { StreamMeter } from '../call.ts';

function draftOf(endpoints: Endpoints, path: string, body: Record<string, unknown>, provider = 'openai'): Draft {
  const rule = ruleOf(endpoints, 'POST', path);
  if (typeof rule !== 'function') throw new Error(`${path} is not priced`);
  return rule({ provider, path, body });
}

const chat = (body: Record<string, unknown>, provider?: string): Draft =>
  draftOf(OPENAI_ENDPOINTS, '/v1/chat/completions', { model: 'gpt-4o', ...body }, provider);
const responses = (body: Record<string, unknown>, provider?: string): Draft =>
  draftOf(OPENAI_ENDPOINTS, '/v1/responses', { model: 'gpt-5', ...body }, provider);
const generate = (generationConfig: Record<string, unknown>): Draft =>
  draftOf(GOOGLE_ENDPOINTS, '/v1beta/models/gemini-2.5-pro:generateContent', { generationConfig }, 'google');

describe('a chat with both caps', () => {
  const body = { max_completion_tokens: 5, max_tokens: 8_000 };

  it('holds the larger: which one a host reads is not known', () => {
    expect(chat(body, 'deepseek').request.maxOutputTokens).toBe(8_000);
  });

  it('has no cap above what was granted', () => {
    const { edits } = chat(body, 'deepseek');
    expect(edits({ model: 'gpt-4o', maxOutputTokens: 300 })).toEqual({ max_tokens: 300 });
    expect(edits({ model: 'gpt-4o', maxOutputTokens: 2 })).toEqual({ max_tokens: 2, max_completion_tokens: 2 });
    expect(edits({ model: 'gpt-4o', maxOutputTokens: 8_000 })).toEqual({});
  });
});

describe('a chat with the newer cap alone, where the host reads the older one', () => {
  const body = { model: 'deepseek-chat', max_completion_tokens: 500 };

  it.each(['deepseek', 'openai'])('gets the older one too (%s)', (provider) => {
    const { edits, request } = chat(body, provider);
    expect(request.maxOutputTokens).toBe(500);
    expect(edits({ model: 'deepseek-chat', maxOutputTokens: 500 })).toEqual({ max_tokens: 500 });
    expect(edits({ model: 'deepseek-chat', maxOutputTokens: 300 })).toEqual({
      max_tokens: 300,
      max_completion_tokens: 300,
    });
    expect(edits({ model: 'deepseek-chat', maxOutputTokens: undefined })).toEqual({ max_tokens: 500 });
  });

  it('gets the older one where it has none', () => {
    const { edits } = chat({ model: 'deepseek-chat' }, 'openai');
    expect(edits({ model: 'deepseek-chat', maxOutputTokens: 300 })).toEqual({ max_tokens: 300 });
  });

  it('is left alone where it is read', () => {
    const { edits } = chat({ max_completion_tokens: 500 });
    expect(edits({ model: 'gpt-4o', maxOutputTokens: 300 })).toEqual({ max_completion_tokens: 300 });
  });
});

describe('what is kept elsewhere', () => {
  it.each([
    ['a prompt at OpenAI', responses({ prompt: { id: 'pmpt_1' } }), 'prompt'],
    ['a preset at OpenRouter', chat({ preset: 'cheap' }, 'openrouter'), 'preset'],
    ['a preset as a model', chat({ model: 'openai/gpt-4o@preset/cheap' }, 'openrouter'), 'model'],
    [
      'models that a gateway falls back to',
      chat({ providerOptions: { gateway: { models: ['openai/gpt-5-pro'] } } }, 'gateway'),
      'providerOptions.gateway.models',
    ],
    ['a search beside the model', chat({ web_search_options: {} }, 'xai'), 'web_search_options'],
  ])('is refused: %s', (_, { refusal }, path) => {
    expect(refusal).toMatchObject({ path });
  });

  it('passes where it costs nothing of its own', () => {
    expect(responses({ prompt: null }).refusal).toBeUndefined();
    expect(chat({ model: 'gpt-4o-search-preview', web_search_options: {} }).refusal).toBeUndefined();
    expect(chat({ providerOptions: { gateway: { order: ['azure'] } } }, 'gateway').refusal).toBeUndefined();
  });

  it('is held as a full context window: a thread at Anthropic, unless it begins', () => {
    const thread = (type: string) =>
      draftOf(ANTHROPIC_ENDPOINTS, '/v1/messages', { model: 'claude-opus-5', thread: { type } }, 'anthropic').request;
    expect(thread('continue').inputTokens).toBe(Number.MAX_SAFE_INTEGER);
    expect(thread('create').inputTokens).toBeUndefined();
  });
});

describe('tools that stand in the conversation of a response', () => {
  const carrying = (type: string) =>
    responses({ input: [{ type: 'additional_tools', role: 'developer', tools: [{ type }] }] });

  it('are held like those of the request', () => {
    expect(carrying('web_search')).toMatchObject({
      ceilings: { max_tool_calls: 5 },
      request: { toolCalls: { web_search: 5 }, inputTokens: Number.MAX_SAFE_INTEGER },
    });
    expect(carrying('image_generation').refusal).toMatchObject({ path: 'tools' });
    expect(carrying('function').request.toolCalls).toBeUndefined();
  });
});

describe('an OpenAI client at another host', () => {
  it('is priced by the paths of Mistral there', () => {
    const rule = (provider: string, path: string) => ruleOf(openaiEndpoints(provider), 'POST', path);
    expect(rule('openai', '/v1/moderations')).toBe('free');
    expect(rule('mistral', '/v1/moderations')).toHaveProperty('unpriceable');
    expect(rule('mistral', '/v1/conversations')).toHaveProperty('unpriceable');
    expect(rule('mistral', '/v1/chat/completions')).toBeTypeOf('function');
  });

  it('is Azure where its path names a deployment', () => {
    expect(openaiProvider('https://gateway.example/openai/deployments/d/chat/completions?api-version=1')).toBe('azure');
    expect(openaiProvider('https://proxy.example/v1/chat/completions')).toBe('openai');
  });
});

describe('numbers that are texts', () => {
  it('count, since Google and others read them', () => {
    expect(generate({ candidateCount: '8', maxOutputTokens: '100' }).request).toMatchObject({
      candidates: 8,
      maxOutputTokens: 100,
    });
    expect(chat({ n: '8' }).request.candidates).toBe(8);
  });

  it.each(['', ' ', 'x', '-1', '1.5', '1e30', '0'])('count as left out where they are %j', (n) => {
    expect(chat({ n }).request.candidates).toBeUndefined();
  });
});

describe('a request for images at Google', () => {
  it('is held for four where it does not say how many', () => {
    const images = (parameters: object) =>
      draftOf(GOOGLE_ENDPOINTS, '/v1beta/models/imagen-4.0-generate-001:predict', { parameters }, 'google').request
        .images;
    expect(images({})).toBe(4);
    expect(images({ sampleCount: 2 })).toBe(2);
  });
});

describe('Google’s names in snake case', () => {
  it('are read, and never stand beside the granted cap', () => {
    const draft = generate({ candidate_count: 8, max_output_tokens: 9_000, thinking_config: { thinking_budget: 100 } });
    expect(draft.request).toMatchObject({ candidates: 8, maxOutputTokens: 9_000, hidesOutput: true });
    expect(draft.edits({ model: 'gemini-2.5-pro', maxOutputTokens: 10 })).toEqual({
      generationConfig: { candidateCount: 8, maxOutputTokens: 10, thinkingConfig: { thinking_budget: 100 } },
    });
  });
});

describe('the limit on hosted tools', () => {
  it('of nothing stays: it is held as 0 calls', () => {
    const tools = [{ type: 'web_search_20250305', name: 'web_search', max_uses: 0 }];
    const claude = draftOf(ANTHROPIC_ENDPOINTS, '/v1/messages', { model: 'claude-opus-5', tools }, 'anthropic');
    expect(claude.request.toolCalls).toEqual({ web_search: 0 });
    expect(claude.ceilings).toEqual({ tools });
    const gpt = responses({ max_tool_calls: 0, tools: [{ type: 'web_search' }] });
    expect(gpt.request.toolCalls).toEqual({ web_search: 0 });
    expect(gpt.ceilings).toBeUndefined();
  });

  it('that is no number is held and sent as the ceiling', () => {
    const gpt = responses({ max_tool_calls: -1, tools: [{ type: 'web_search' }] });
    expect(gpt.request.toolCalls).toEqual({ web_search: 5 });
    expect(gpt.ceilings).toEqual({ max_tool_calls: 5 });
  });

  it('is OpenAI’s: at another host a hosted tool is refused', () => {
    expect(responses({ tools: [{ type: 'web_search' }] }, 'azure').refusal).toBeUndefined();
    expect(responses({ tools: [{ type: 'web_search' }] }, 'xai').refusal?.path).toBe('tools');
    expect(chat({ tools: [{ type: 'openrouter:web_search' }] }, 'openrouter').refusal?.path).toBe('tools');
    expect(chat({ tools: [{ type: 'function' }] }, 'openrouter').refusal).toBeUndefined();
  });
});

describe('what a host does beside the model', () => {
  it.each([
    ['plugins', { plugins: [{ id: 'web' }] }],
    ['model', { model: 'openai/gpt-4o:online' }],
    ['search_parameters', { search_parameters: { mode: 'auto' } }],
  ])('is refused: %s', (path, body) => {
    expect(chat(body, 'openrouter').refusal?.path).toBe(path);
  });

  it('is not refused where it is switched off', () => {
    expect(chat({ plugins: [], search_parameters: { mode: 'off' } }, 'xai').refusal).toBeUndefined();
  });

  it('is held as a full context window where it looks up documents', () => {
    expect(chat({ data_sources: [{ type: 'azure_search' }] }, 'azure').request.inputTokens).toBe(
      Number.MAX_SAFE_INTEGER,
    );
  });
});

describe('output that is not text', () => {
  it('is taken for hidden', () => {
    expect(chat({ modalities: ['text', 'image'] }).request.hidesOutput).toBe(true);
    expect(chat({ modalities: ['text'] }).request.hidesOutput).toBeUndefined();
  });
});

describe('a call of the older functions', () => {
  it('is output of a stream, and a tool call', () => {
    const seen: unknown[] = [];
    const meter: StreamMeter = {
      output: (text) => seen.push(text),
      toolCall: () => seen.push('tool call'),
      usage: () => undefined,
      model: () => undefined,
      failed: () => undefined,
      ended: () => undefined,
    };
    const reader = chat({ stream: true }).reader?.();
    const event = (call: object) => ({ choices: [{ delta: { function_call: call } }] });
    reader?.event(event({ name: 'weather', arguments: '' }), meter);
    reader?.event(event({ arguments: '{"city":"Paris"}' }), meter);
    expect(seen).toEqual(expect.arrayContaining(['tool call', 'weather', '{"city":"Paris"}']));
  });
});

describe('a summary that Anthropic writes of a conversation', () => {
  it('is output of its stream', () => {
    const seen: string[] = [];
    const nothing = (): void => undefined;
    const meter: StreamMeter = {
      output: (text) => void seen.push(text),
      toolCall: nothing,
      usage: nothing,
      model: nothing,
      failed: nothing,
      ended: nothing,
    };
    const reader = draftOf(ANTHROPIC_ENDPOINTS, '/v1/messages', { model: 'claude-opus-5' }, 'anthropic').reader?.();
    reader?.event({ type: 'content_block_delta', delta: { type: 'compaction_delta', content: 'So far' } }, meter);
    expect(seen).toEqual(['So far']);
  });
});

describe('a mark of Anthropic’s cache', () => {
  it('is seen in the blocks that a document is made of', () => {
    const text = { type: 'text', text: 'Hi', cache_control: { type: 'ephemeral', ttl: '1h' } };
    const content = [{ type: 'document', source: { type: 'content', content: [text] } }];
    const body = { model: 'claude-opus-5', messages: [{ role: 'user', content }] };
    expect(draftOf(ANTHROPIC_ENDPOINTS, '/v1/messages', body, 'anthropic').request.cacheWrite).toBe('1h');
  });
});
