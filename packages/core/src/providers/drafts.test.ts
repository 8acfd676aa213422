/** What the drafts hold of requests that say less than they cost, or say it in a way of their own. */
import { describe, expect, it } from 'vitest';
import { ANTHROPIC_ENDPOINTS } from './anthropic.ts';
import { ruleOf, type Draft, type Endpoints } from './draft.ts';
import { GOOGLE_ENDPOINTS } from './google.ts';
import { OPENAI_ENDPOINTS } from './openai.ts';
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

describe('a mark of Anthropic’s cache', () => {
  it('is seen in the blocks that a document is made of', () => {
    const text = { type: 'text', text: 'Hi', cache_control: { type: 'ephemeral', ttl: '1h' } };
    const content = [{ type: 'document', source: { type: 'content', content: [text] } }];
    const body = { model: 'claude-opus-5', messages: [{ role: 'user', content }] };
    expect(draftOf(ANTHROPIC_ENDPOINTS, '/v1/messages', body, 'anthropic').request.cacheWrite).toBe('1h');
  });
});
