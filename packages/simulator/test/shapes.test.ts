import { describe, expect, it } from 'vitest';
import type { Provider, Reply } from '../src/index.ts';
import { startSimulator } from '../src/index.ts';
import type { Json } from './ask.ts';
import { dig, INTERFACES, parse, send } from './ask.ts';
import { CHAT, CHAT_CHUNK, CHAT_USAGE, GENERATED, MESSAGE, MISTRAL, MISTRAL_CHUNK, RESPONSE } from './real-shapes.ts';
import type { Shape } from './shape.ts';
import { differences } from './shape.ts';

const RICH: Reply = {
  text: 'It is sunny in Athens.',
  reasoningTokens: 6,
  toolCalls: [{ name: 'weather', arguments: { city: 'Athens' } }],
};

async function answer(name: string, stream: boolean, reply: Reply): Promise<{ text: string; events: Json[] }> {
  const api = INTERFACES.find((candidate) => candidate.name === name) ?? expect.unreachable();
  await using sim = await startSimulator({ script: () => reply });
  const text = await (await send(sim, api, { stream, tools: true })).text();
  return { text, events: parse(text) };
}

async function post(provider: Provider, path: string, body: unknown, reply: Reply = {}): Promise<Json> {
  await using sim = await startSimulator({ script: () => reply });
  const response = await fetch(`${sim.baseURL(provider)}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return (await response.json()) as Json;
}

describe('keys and types are those of the real answers', () => {
  const cached: Reply = { ...RICH, usage: { inputTokens: 900, cacheRead: 300, cacheWrite: 200 } };
  it.each([
    ['openai chat', CHAT, RICH],
    ['openai chat', CHAT, cached],
    ['openai responses', RESPONSE, cached],
    ['anthropic messages', MESSAGE, RICH],
    ['anthropic messages', MESSAGE, { ...cached, reasoningTokens: 0 }],
    ['google generateContent', GENERATED, { ...RICH, usage: { toolUsePrompt: 40, cacheRead: 3 } }],
    ['mistral chat', MISTRAL, RICH],
    ['mistral chat', MISTRAL, { ...RICH, usage: { inputTokens: 90, cacheRead: 30 } }],
  ] as const)('%s, whole', async (name, shape, reply) => {
    const { events } = await answer(name, false, reply);
    expect(events.flatMap((event) => differences(event, shape))).toEqual([]);
  });

  it.each([
    ['openai chat', CHAT_CHUNK],
    ['google generateContent', GENERATED],
    ['mistral chat', MISTRAL_CHUNK],
  ] as const)('%s, chunks', async (name, shape) => {
    const { events } = await answer(name, true, RICH);
    expect(events.length).toBeGreaterThan(3);
    expect(events.flatMap((event) => differences(event, shape))).toEqual([]);
  });
});

describe('openai', () => {
  it('ends a chat stream with a usage chunk without choices, and [DONE]', async () => {
    const { text, events } = await answer('openai chat', true, RICH);
    expect(events.at(-1)).toMatchObject({ choices: [] });
    expect(differences(events.at(-1)?.['usage'], CHAT_USAGE)).toEqual([]);
    expect(events.slice(0, -1).every((event) => event['usage'] === null)).toBe(true);
    expect(text.endsWith('\n\ndata: [DONE]\n\n')).toBe(true);
  });

  it('leaves the usage out of a chat stream that did not ask for it', async () => {
    await using sim = await startSimulator();
    const body = { model: 'gpt-4o', stream: true, stream_options: {}, messages: [{ role: 'user', content: 'Hi' }] };
    const response = await fetch(`${sim.baseURL('openai')}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    expect(await response.text()).not.toContain('usage');
  });

  it('streams a response as typed events in order', async () => {
    const { text, events } = await answer('openai responses', true, { ...RICH, chunkTokens: 100 });
    const types = events.map((event) => event['type'] as unknown);
    expect(types).toEqual(
      (
        'created in_progress output_item.added output_item.done output_item.added content_part.added ' +
        'output_text.delta output_text.done content_part.done output_item.done output_item.added ' +
        'function_call_arguments.delta function_call_arguments.done output_item.done completed'
      )
        .split(' ')
        .map((type) => `response.${type}`),
    );
    expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_, index) => index));
    expect([...text.matchAll(/^event: (.+)$/gm)].map((match) => match[1])).toEqual(types);
    expect(differences(events.at(-1)?.['response'], RESPONSE)).toEqual([]);
    const { usage: _, ...begun } = RESPONSE as Record<string, Shape>;
    expect(differences(events[0]?.['response'], { ...begun, usage: 'null' })).toEqual([]);
  });

  it('tells a response that the cap cut short', async () => {
    const body = { model: 'gpt-5', input: 'Hi', max_output_tokens: 4 };
    const value = await post('openai', '/responses', body, { tokens: 90 });
    expect(value).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
  });

  it('embeds', async () => {
    const body = { model: 'text-embedding-3-small', input: ['one', 'two'], dimensions: 5 };
    const value = await post('openai', '/embeddings', body);
    const shape: Shape = {
      object: 'string',
      data: [{ object: 'string', index: 'number', embedding: ['number'] }],
      model: 'string',
      usage: { prompt_tokens: 'number', total_tokens: 'number' },
    };
    expect(differences(value, shape)).toEqual([]);
    expect(dig(value, 'embedding')).toMatchObject([{ length: 5 }, { length: 5 }]);
  });

  it('embeds in base64 on demand', async () => {
    const body = { model: 'text-embedding-3-small', input: 'one', dimensions: 3, encoding_format: 'base64' };
    const [bytes] = dig(await post('openai', '/embeddings', body), 'embedding');
    expect(Buffer.from(String(bytes), 'base64')).toHaveLength(12);
  });

  it('generates images', async () => {
    const body = { model: 'gpt-image-1', prompt: 'A cat', n: 2, quality: 'low', size: '1024x1536' };
    const value = await post('openai', '/images/generations', body);
    const shape: Shape = {
      created: 'number',
      background: 'string',
      data: [{ b64_json: 'string' }],
      output_format: 'string',
      quality: 'string',
      size: 'string',
      usage: {
        input_tokens: 'number',
        input_tokens_details: { image_tokens: 'number', text_tokens: 'number' },
        output_tokens: 'number',
        total_tokens: 'number',
      },
    };
    expect(differences(value, shape)).toEqual([]);
    expect(dig(value, 'output_tokens')).toEqual([816]);
  });
});

describe('anthropic', () => {
  it('streams events in order and restates the input at the end', async () => {
    const { text, events } = await answer('anthropic messages', true, {
      ...RICH,
      chunkTokens: 100,
      usage: { inputTokens: 100, cacheRead: 50, cacheWrite: 20, cacheWrite1h: 10 },
    });
    const types = events.map((event) => event['type']);
    expect(types).toEqual(
      (
        'message_start content_block_start ping content_block_delta content_block_delta content_block_stop ' +
        'content_block_start ping content_block_delta content_block_stop content_block_start content_block_delta ' +
        'content_block_delta content_block_stop message_delta message_stop'
      ).split(' '),
    );
    expect([...text.matchAll(/^event: (.+)$/gm)].map((match) => match[1])).toEqual(types);
    expect(differences(events[0]?.['message'], MESSAGE)).toEqual([]);
    const input = { input_tokens: 20, cache_read_input_tokens: 50, cache_creation_input_tokens: 30 };
    expect(events[0]).toMatchObject({
      message: {
        usage: { ...input, cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 } },
      },
    });
    expect(events.at(-2)).toMatchObject({ usage: input, delta: { stop_reason: 'tool_use', stop_sequence: null } });
  });

  it('refuses a request without max_tokens', async () => {
    const value = await post('anthropic', '/messages', { model: 'claude-haiku-4-5', messages: [] });
    expect(
      differences(value, { type: 'string', error: { type: 'string', message: 'string' }, request_id: 'string' }),
    ).toEqual([]);
    expect(value).toMatchObject({ error: { type: 'invalid_request_error', message: 'max_tokens: Field required' } });
  });
});

describe('google', () => {
  it('counts tool prompts outside the prompt and thoughts outside the candidates', async () => {
    const reply = { tokens: 10, reasoningTokens: 5, usage: { inputTokens: 100, cacheRead: 20, toolUsePrompt: 30 } };
    const { events } = await answer('google generateContent', false, reply);
    expect(events[0]?.['usageMetadata']).toMatchObject({
      promptTokenCount: 70,
      toolUsePromptTokenCount: 30,
      cachedContentTokenCount: 20,
      candidatesTokenCount: 10,
      thoughtsTokenCount: 5,
      totalTokenCount: 115,
    });
  });

  it('separates events with CR LF, as the real service does', async () => {
    const { text } = await answer('google generateContent', true, RICH);
    expect(text.endsWith('}\r\n\r\n')).toBe(true);
  });

  it('embeds one text and many', async () => {
    const request = { content: { parts: [{ text: 'one' }] }, outputDimensionality: 3 };
    const one = await post('google', '/models/gemini-embedding-001:embedContent', request);
    const many = await post('google', '/models/gemini-embedding-001:batchEmbedContents', {
      requests: [request, request],
    });
    expect(differences(one, { embedding: { values: ['number'] } })).toEqual([]);
    expect(differences(many, { embeddings: [{ values: ['number'] }] })).toEqual([]);
    expect(dig(many, 'values')).toMatchObject([{ length: 3 }, { length: 3 }]);
  });
});

describe('errors', () => {
  it.each([
    ['openai chat', { error: { message: 'string', type: 'string', param: 'string|null', code: 'string|null' } }],
    ['anthropic messages', { type: 'string', error: { type: 'string', message: 'string' }, request_id: 'string' }],
    ['google generateContent', { error: { code: 'number', message: 'string', status: 'string' } }],
    ['mistral chat', { object: 'string', message: 'string', type: 'string', param: 'string|null', code: 'string' }],
  ] as const)('%s', async (name, shape) => {
    const { events } = await answer(name, false, { error: { status: 500 } });
    expect(differences(events[0], shape)).toEqual([]);
  });

  it('sends a body of the script in place of the usual one', async () => {
    const { events } = await answer('openai chat', false, { error: { status: 503, body: { down: true } } });
    expect(events).toEqual([{ down: true }]);
  });
});
