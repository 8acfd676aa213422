import fc from 'fast-check';
import { expect, it } from 'vitest';
import { countInput, generateTokens, inChunks, readPrompt, splitTokens } from './tokens.ts';

const bytes = (text: string): number => Buffer.byteLength(text);

it('never counts more tokens than bytes and 8 for each message', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', minLength: 0 })), (texts) => {
      const messages = texts.map((content) => ({ role: 'user', content }));
      const bound = texts.reduce((sum, text) => sum + bytes(text) + 8, 0);
      expect(countInput(readPrompt(messages), messages.length)).toBeLessThanOrEqual(bound);
    }),
  );
});

it('counts definitions by their JSON', () => {
  const tool = { name: 'search', parameters: { type: 'object' } };
  expect(countInput({ texts: [], media: 0 }, 0, [tool, tool])).toBe(2 * Math.ceil(bytes(JSON.stringify(tool)) / 4));
});

it('reads text in the shapes of all providers, and counts media flat', () => {
  const messages = [
    'instructions',
    { role: 'user', content: 'plain' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'part' },
        { type: 'image_url', image_url: { url: 'data:…' } },
      ],
    },
    { role: 'user', parts: [{ text: 'google' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }] },
    { role: 'assistant', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'result' }] },
  ];
  const prompt = readPrompt(messages);
  expect(prompt).toEqual({ texts: ['instructions', 'plain', 'part', 'google', 'f', '{}', 'result'], media: 2 });
  expect(countInput(prompt, messages.length)).toBe(
    Math.ceil('instructionsplainpartgooglef{}result'.length / 4) + 6 * 3 + 2 * 64,
  );
});

it('splits a text without losing or breaking a character, into no more tokens than bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const tokens = splitTokens(text);
      expect(tokens.join('')).toBe(text);
      expect(tokens.every((token) => Buffer.from(token).toString() === token)).toBe(true);
      expect(tokens.length).toBeLessThanOrEqual(Math.ceil(bytes(text) / 4));
    }),
  );
});

it('generates the tokens it was asked for, each of at least four bytes', () => {
  fc.assert(
    fc.property(fc.nat(300), fc.nat(), (count, seed) => {
      const tokens = generateTokens(count, seed);
      expect(tokens).toHaveLength(count);
      expect(tokens.every((token) => bytes(token) >= 4)).toBe(true);
      expect(generateTokens(count, seed)).toEqual(tokens);
    }),
  );
});

it('puts all tokens into chunks', () => {
  expect([...inChunks(['a', 'b', 'c'], 2)]).toEqual([
    { text: 'ab', tokens: 2 },
    { text: 'c', tokens: 1 },
  ]);
});
