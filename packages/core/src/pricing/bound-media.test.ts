import { describe, expect, it } from 'vitest';
import { byteBound, lengthBound } from './bound.ts';
import { UNBOUNDABLE_TOKENS } from './bound-provider.ts';
import { utf8Length } from './bound-text.ts';

const PROVIDERS = ['openai', 'anthropic', 'google', 'mistral', 'openrouter', 'google.vertex.chat'];
const base64 = 'QUJD'.repeat(50_000);
const bytes = new Uint8Array(150_000);

describe('media in a request', () => {
  it.each([
    ['Chat Completions', { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}`, detail: 'high' } }],
    ['Responses', { type: 'input_image', image_url: `data:image/png;base64,${base64}` }],
    ['Anthropic', { type: 'image', source: { type: 'base64', media_type: 'image/png', data: base64 } }],
    ['Anthropic, by URL', { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }],
    ['Google', { inlineData: { mimeType: 'image/png', data: base64 } }],
    ['Google, by URI', { fileData: { mimeType: 'image/png', fileUri: 'gs://a/b' } }],
    ['Mistral', { type: 'image_url', imageUrl: `data:image/png;base64,${base64}` }],
    ['the AI SDK', { type: 'file', mediaType: 'image/png', data: { type: 'data', data: bytes } }],
    [
      'the AI SDK, by URL',
      { type: 'file', mediaType: 'image/*', data: { type: 'url', url: new URL('https://e.com/a') } },
    ],
    ['the AI SDK’s user messages', { type: 'image', image: bytes }],
    [
      'a tool result',
      { type: 'tool_result', content: [{ type: 'image', source: { media_type: 'image/png', data: base64 } }] },
    ],
    [
      'a tool result of the AI SDK',
      {
        type: 'tool-result',
        output: {
          type: 'content',
          value: [{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: base64 } }],
        },
      },
    ],
  ])('is an image by the rule, not by its bytes: %s', (_, part) => {
    for (const [provider, least] of [
      ['openai', 48_169],
      ['anthropic', 4_784],
      ['google', 4_128],
    ] as const) {
      const bound = lengthBound([{ role: 'user', content: [part], parts: undefined }], provider);
      expect(bound).toBeGreaterThanOrEqual(least);
      expect(bound).toBeLessThan(least + 1_000);
      expect(byteBound([{ role: 'user', content: [part] }], provider)).toBeLessThanOrEqual(bound);
    }
  });

  it('is the largest of all that a part could be', () => {
    const part = { type: 'image', mediaType: 'application/pdf', data: base64 };
    expect(byteBound([{ role: 'user', content: [part] }], 'anthropic')).toBeGreaterThan(100 * 7_784);
  });

  it('is text where it is text', () => {
    const text = 'Grüße '.repeat(100);
    const encoded = Buffer.from(text).toString('base64');
    for (const part of [
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: text } },
      { type: 'document', source: { type: 'content', content: [{ type: 'text', text }] } },
      { type: 'file', mediaType: 'text/plain', data: { type: 'text', text } },
      { type: 'file', mediaType: 'text/plain', data: new TextEncoder().encode(text) },
      { type: 'file', mediaType: 'application/json', data: encoded },
      { type: 'input_file', filename: 'a.txt', file_data: `data:text/plain;base64,${encoded}` },
      { type: 'file', file: { file_data: `data:text/plain,${encodeURIComponent(text)}` } },
    ]) {
      const input = [{ role: 'user', content: [part] }];
      const exact = byteBound(input, 'anthropic');
      expect(exact).toBeGreaterThanOrEqual(utf8Length(text));
      expect(exact).toBeLessThan(3 * utf8Length(text));
      expect(lengthBound(input, 'anthropic')).toBeGreaterThanOrEqual(exact);
    }
  });

  it('is not looked for in the arguments of a tool call', () => {
    const input = [{ role: 'assistant', content: [{ type: 'tool-call', input: { type: 'image', data: base64 } }] }];
    expect(byteBound(input, 'anthropic')).toBeGreaterThan(base64.length);
  });

  it.each([
    ['a file by id', { type: 'input_file', file_id: 'file-1' }],
    ['a spreadsheet', { type: 'file', mediaType: 'application/vnd.ms-excel', data: bytes }],
    ['a remote text', { type: 'file', mediaType: 'text/plain', data: new URL('https://example.com/a.txt') }],
  ])('can’t be bounded: %s', (_, part) => {
    expect(byteBound([{ role: 'user', content: [part] }], 'openai')).toBeGreaterThanOrEqual(UNBOUNDABLE_TOKENS);
  });

  it('is no smaller for a small file: a page, a second may take no bytes of its own', () => {
    // A hundred pages that share one content stream of 1,600 tokens fit into these bytes.
    const small = new Uint8Array(9_222);
    const part = (mediaType: string) => [{ role: 'user', content: [{ type: 'file', mediaType, data: small }] }];
    for (const provider of PROVIDERS) {
      expect(byteBound(part('application/pdf'), provider)).toBeGreaterThanOrEqual(1_000 * 258);
      expect(byteBound(part('audio/ogg'), provider)).toBeGreaterThanOrEqual(34_200 * 32);
      expect(byteBound(part('video/mp4'), provider)).toBeGreaterThanOrEqual(UNBOUNDABLE_TOKENS);
    }
    expect(byteBound(part('application/pdf'), 'anthropic')).toBeGreaterThanOrEqual(100 * 1_600);
    const inline = { inlineData: { mimeType: 'video/mp4', data: 'AAAA' }, videoMetadata: { fps: 10 } };
    expect(byteBound([{ role: 'user', parts: [inline] }], 'google')).toBeGreaterThanOrEqual(UNBOUNDABLE_TOKENS);
  });
});
