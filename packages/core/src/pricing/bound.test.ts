import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { byteBound, lengthBound } from './bound.ts';
import { UNBOUNDABLE_TOKENS } from './bound-provider.ts';
import { countUtf8Length, utf8Length } from './bound-text.ts';

const PROVIDERS = ['openai', 'anthropic', 'google', 'mistral', 'openrouter', 'google.vertex.chat'];
const SMALL = 300;
const bytes = new Uint8Array(150_000);

// Each turn of these doubles, so that depth alone would not end the walk.
const cycle: unknown[] = [];
cycle.push({ role: 'user', content: cycle }, { role: 'user', content: cycle });
const knot: unknown[] = [];
knot.push(knot, knot);
const ring: Record<string, unknown> = {};
ring['content'] = ring;
ring['text'] = ring;

describe('the bounds of a request', () => {
  it.each([
    ['a text', 'Hello'],
    ['chat messages', [{ role: 'user', content: 'Hello' }]],
    ['content parts', [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }]],
    ['Google contents', [{ role: 'user', parts: [{ text: 'Hello' }] }]],
    ['Google texts', { contents: ['Hello'] }],
    ['Responses input', { input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }] }],
    ['a system prompt beside messages', { system: 'Hi', messages: [{ role: 'user', content: 'Hello' }] }],
  ])('lie little above %s', (_, input) => {
    for (const provider of PROVIDERS) {
      const length = lengthBound(input, provider);
      expect(length).toBeLessThan(SMALL);
      expect(byteBound(input, provider)).toBeLessThanOrEqual(length);
      expect(byteBound(input, provider)).toBeGreaterThanOrEqual(utf8Length('Hello') + 7);
    }
  });

  it('hold OpenAI’s own formula: 3 a message, 1 for a name, 3 for the reply, tokens at most bytes', () => {
    const message = fc.record({ role: fc.constantFrom('user', 'assistant'), content: fc.string(), name: fc.string() });
    fc.assert(
      fc.property(fc.array(message), (messages) => {
        const most = messages.reduce((sum, m) => sum + 4 + utf8Length(m.role + m.content + m.name), 3);
        expect(byteBound(messages, 'openai')).toBeGreaterThanOrEqual(most);
      }),
    );
  });

  it('are ordered, and at least the JSON text, for any value in a tool call, a result, a schema', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(...PROVIDERS), (value, provider) => {
        const text = utf8Length(JSON.stringify(value));
        for (const input of [
          [{ role: 'assistant', content: [{ type: 'tool-call', toolName: 'a', toolCallId: 'b', input: value }] }],
          [{ role: 'tool', content: [{ type: 'tool-result', toolName: 'a', output: { type: 'json', value } }] }],
          [{ role: 'user', content: [{ type: 'tool_use', name: 'a', input: { value } }] }],
          [{ role: 'model', parts: [{ functionCall: { name: 'a', args: { value } } }] }],
          { messages: [], tools: [{ type: 'function', name: 'a', inputSchema: { const: value } }] },
        ]) {
          const exact = byteBound(input, provider);
          expect(exact).toBeGreaterThanOrEqual(text);
          expect(lengthBound(input, provider)).toBeGreaterThanOrEqual(exact);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('count what escaping adds where a text is quoted as JSON', () => {
    const controls = '\u0001'.repeat(100);
    const chinese = '好'.repeat(100);
    for (const text of [controls, chinese, '"'.repeat(100), '\ud800'.repeat(100)]) {
      const escaped = JSON.stringify(text).replace(/[^ -~]/g, '......').length;
      const result = [{ role: 'tool', tool_call_id: '1', content: text }];
      const call = [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: text } }] }];
      for (const input of [result, call]) expect(byteBound(input, 'mistral')).toBeGreaterThanOrEqual(escaped);
    }
  });

  it('add the preamble of tools, their definitions, a response format', () => {
    const plain = { messages: [] };
    const tool = { name: 'bash', type: 'bash_20250124' };
    expect(byteBound({ ...plain, tools: [tool] }, 'anthropic') - byteBound(plain, 'anthropic')).toBeGreaterThan(
      804 + 325,
    );
    const custom = { ...plain, tools: [{ name: 'f', description: 'd', input_schema: { type: 'object' } }] };
    expect(byteBound(custom, 'anthropic') - byteBound(plain, 'anthropic')).toBeGreaterThan(530);
    expect(byteBound(custom, 'anthropic')).toBeLessThan(1_500);
    const format = {
      ...plain,
      responseFormat: { type: 'json', schema: { type: 'object', description: 'x'.repeat(500) } },
    };
    expect(byteBound(format, 'openai') - byteBound(plain, 'openai')).toBeGreaterThan(500);
  });

  it.each([
    ['an earlier response', { input: 'x', previous_response_id: 'resp_1' }],
    [
      'an earlier response, by the AI SDK',
      { prompt: [], providerOptions: { openai: { previousResponseId: 'resp_1' } } },
    ],
    ['a conversation', { input: 'x', conversation: 'conv_1' }],
    ['a cache', { contents: 'x', config: { cachedContent: 'cachedContents/1' } }],
    ['an item', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
    ['what OpenAI has found', { input: [{ type: 'web_search_call', id: 'ws_1', status: 'completed' }] }],
    ['web search', { messages: [], tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    [
      'web search, by the AI SDK',
      { prompt: [], tools: [{ type: 'provider', id: 'openai.web_search', name: 's', args: {} }] },
    ],
    ['a cycle of messages', cycle],
    ['a cycle of objects', ring],
    ['a cycle of arrays', knot],
    ['a promise', [{ role: 'user', content: [Promise.resolve('x')] }]],
    ['bytes outside a file', [{ role: 'user', content: bytes }]],
    ['a sparse array', [{ role: 'user', content: new Array(4_000_000_000) }]],
  ])('can’t bound %s', (_, input) => {
    expect(lengthBound(input, 'openai')).toBeGreaterThanOrEqual(UNBOUNDABLE_TOKENS);
    expect(byteBound(input, 'openai')).toBeGreaterThanOrEqual(UNBOUNDABLE_TOKENS);
  });

  it.each([
    ['the API', { type: 'shell', environment: { type: 'container_auto', memory_limit: '64g' } }],
    [
      'the AI SDK',
      { type: 'provider', id: 'openai.shell', name: 'shell', args: { environment: { type: 'containerAuto' } } },
    ],
    [
      'a running container',
      {
        type: 'provider',
        id: 'openai.shell',
        name: 'shell',
        args: { environment: { type: 'containerReference', containerId: 'c' } },
      },
    ],
  ])('can’t bound a shell that runs at OpenAI: %s', (_, tool) => {
    expect(lengthBound({ messages: [], tools: [tool] }, 'openai')).toBeGreaterThanOrEqual(UNBOUNDABLE_TOKENS);
  });

  it.each([
    [{ type: 'shell' }],
    [{ type: 'shell', environment: { type: 'local' } }],
    [{ type: 'provider', id: 'openai.shell', name: 'shell', args: {} }],
    [{ type: 'provider', id: 'openai.shell', name: 'shell', args: { environment: { skills: [] } } }],
    [{ type: 'provider', id: 'openai.local_shell', name: 'shell', args: {} }],
  ])('bound a shell that runs here: %j', (tool) => {
    expect(lengthBound({ messages: [], tools: [tool] }, 'openai')).toBeLessThan(5_000);
  });

  it('can’t bound what Google runs', () => {
    const input = { contents: 'x', config: { tools: [{ googleSearch: {} }] } };
    expect(lengthBound(input, 'google')).toBeGreaterThanOrEqual(UNBOUNDABLE_TOKENS);
    const declared = { contents: 'x', config: { tools: [{ functionDeclarations: [{ name: 'f' }] }] } };
    expect(lengthBound(declared, 'google')).toBeLessThan(1_000);
  });

  it('add a ceiling for reasoning that the request only refers to', () => {
    const part = { type: 'reasoning', text: '', providerOptions: { openai: { itemId: 'rs_1' } } };
    const own = {
      type: 'reasoning',
      text: '',
      providerOptions: { openai: { itemId: 'rs_1', reasoningEncryptedContent: 'a' } },
    };
    expect(byteBound([{ role: 'assistant', content: [part] }], 'openai')).toBeGreaterThan(32_768);
    expect(byteBound([{ role: 'assistant', content: [own] }], 'openai')).toBeLessThan(1_000);
  });

  describe('kept items', () => {
    const kept = (id: string): number | undefined => ({ rs_1: 700, msg_1: 90 })[id];
    const part = (itemId: string): object => ({ type: 'reasoning', text: '', providerOptions: { openai: { itemId } } });
    const bounds = (input: unknown): number[] => [
      lengthBound(input, 'openai', 'gpt-5', kept),
      byteBound(input, 'openai', 'gpt-5', kept),
    ];

    it.each([
      ['reasoning', { input: [{ type: 'reasoning', id: 'rs_1', summary: [] }] }, 700],
      ['a reference', { input: [{ type: 'item_reference', id: 'msg_1' }] }, 90],
      [
        'both, each time that they stand there',
        { input: Array(3).fill({ type: 'item_reference', id: 'rs_1' }) },
        2_100,
      ],
      ['a part of the AI SDK', [{ role: 'assistant', content: [part('rs_1')] }], 700],
      ['parts of one item', [{ role: 'assistant', content: [part('rs_1'), part('rs_1'), part('rs_1')] }], 700],
    ])('cost what is known of them: %s', (_name, input, tokens) => {
      for (const bound of bounds(input)) {
        expect(bound).toBeGreaterThanOrEqual(tokens);
        expect(bound).toBeLessThan(tokens + 500);
      }
    });

    it('cost the ceiling, or can’t be bounded, where nothing is known', () => {
      for (const bound of bounds([part('rs_2')])) expect(bound).toBeGreaterThan(32_768);
      for (const bound of bounds({ input: [{ type: 'item_reference', id: 'rs_2' }] }))
        expect(bound).toBeGreaterThanOrEqual(UNBOUNDABLE_TOKENS);
    });

    it('count again in the JSON form of an object', () => {
      const message = { role: 'assistant', content: [part('rs_1')] };
      const form = { ...message, text: 'y'.repeat(2_000) };
      const input = [{ ...message, toJSON: () => form }];
      for (const bound of bounds(input)) expect(bound).toBeGreaterThan(2_700);
    });
  });

  it('read the JSON form of what has one', () => {
    const schema = z.object({ city: z.string().describe('x'.repeat(400)) });
    const tools = { weather: { type: 'function', description: 'd', inputSchema: schema } };
    expect(byteBound({ messages: [], tools }, 'openai')).toBeGreaterThan(400);
    expect(byteBound({ messages: [], tools }, 'openai')).toBeLessThan(UNBOUNDABLE_TOKENS);
    const dated = { toJSON: () => ({ text: 'y'.repeat(400) }) };
    class Dated {
      toJSON = (): unknown => dated.toJSON();
    }
    expect(byteBound([{ role: 'user', content: [new Dated()] }], 'openai')).toBeGreaterThan(400);
    expect(byteBound({ at: new Date(0), url: new URL('https://example.com/'), n: 10n }, 'openai')).toBeGreaterThan(60);
  });

  it('take the longer of the fields and the JSON form of a plain object that has one', () => {
    const long = 'x'.repeat(10_000);
    const message = (part: object) => [{ role: 'user', content: [part] }];
    for (const bound of [lengthBound, byteBound]) {
      const hidden = { type: 'text', text: 'a', toJSON: () => ({ type: 'text', text: long }) };
      expect(bound(message(hidden), 'openai')).toBeGreaterThan(10_000);
      expect(bound({ messages: [], tools: { f: { inputSchema: hidden } } }, 'openai')).toBeGreaterThan(10_000);
      expect(bound(message({ type: 'text', text: long, toJSON: () => 'a' }), 'openai')).toBeGreaterThan(10_000);
      const itself = {
        type: 'text',
        text: 'a',
        toJSON(): unknown {
          return itself;
        },
      };
      expect(bound(message(itself), 'openai')).toBeLessThan(SMALL);
      const throwing = {
        toJSON: () => {
          throw new Error('no');
        },
      };
      expect(bound(message(throwing), 'openai')).toBeGreaterThanOrEqual(UNBOUNDABLE_TOKENS);
      const endless = { toJSON: (): unknown => ({ ...endless }) };
      expect(bound(message(endless), 'openai')).toBeGreaterThanOrEqual(UNBOUNDABLE_TOKENS);
    }
  });

  it('counts a LangChain message once', () => {
    class HumanMessage {
      lc_kwargs = { content: 'z'.repeat(1_000) };
      content = 'z'.repeat(1_000);
      toJSON(): unknown {
        return { lc: 1, kwargs: this.lc_kwargs };
      }
    }
    const bound = byteBound([new HumanMessage()], 'openai');
    expect(bound).toBeGreaterThan(1_000);
    expect(bound).toBeLessThan(1_500);
  });
});

describe('countUtf8Length', () => {
  it('agrees with Buffer, lone surrogates included', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }), (text) => {
        expect(countUtf8Length(text)).toBe(Buffer.byteLength(text));
      }),
    );
    expect(countUtf8Length('a\ud83d\ude00\ud800b\udc00\ud83d')).toBe(
      Buffer.byteLength('a\ud83d\ude00\ud800b\udc00\ud83d'),
    );
  });
});
