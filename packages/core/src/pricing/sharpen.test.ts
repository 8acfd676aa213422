import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import type { Count, CountRule } from '../node/tokenizer.ts';
import { byteBound } from './bound.ts';
import { sharpBound } from './sharpen.ts';

const ESSAY = 'Budgets hold because every call reserves its worst case before it is sent. '.repeat(60);
const MESSAGES = [
  { role: 'system', content: 'Answer in one sentence.' },
  { role: 'user', content: ESSAY },
];
const none = { count: () => Promise.resolve(undefined) };

/** A tokenizer that gives each text the same figures, and keeps what it was asked. */
function fake(count: (text: string) => Count) {
  const asked: { texts: readonly string[]; rule: CountRule }[] = [];
  return {
    asked,
    count(texts: readonly string[], rule: CountRule) {
      asked.push({ texts, rule });
      return Promise.resolve(texts.map(count));
    },
  };
}

describe('sharpBound', () => {
  it('comes close to the real count in the process’s own worker', async () => {
    const sharp = await sharpBound(MESSAGES, 'openai', 'gpt-4o');
    const real = MESSAGES.reduce((sum, { role, content }) => sum + 4 + countTokens(role) + countTokens(content), 3);
    const bytes = MESSAGES.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
    expect(sharp).toBeGreaterThanOrEqual(Math.max(real, bytes / 4));
    expect(sharp).toBeLessThan(Math.max(real, bytes / 4) + 100);
    expect(byteBound(MESSAGES, 'openai')).toBeGreaterThan(3 * sharp);
  });

  it('is never below a quarter of the bytes, as which hosts estimate a text', async () => {
    const few = fake((text) => ({ tokens: 1, counted: text.length }));
    const text = 'A question about the quarterly report. '.repeat(60);
    const overhead = byteBound('', 'openai');
    expect(await sharpBound(text, 'openai', 'gpt-4o', few)).toBe(overhead + text.length / 4);
  });

  it('answers the bytes where there is no tokenizer, or none for the model', async () => {
    expect(await sharpBound(MESSAGES, 'openai', 'gpt-4o', none)).toBe(byteBound(MESSAGES, 'openai'));
    const asked = fake(() => ({ tokens: 0, counted: 0 }));
    for (const [provider, model] of [
      ['openai', 'text-ada-001'],
      ['openai', 'my-deployment'],
      ['openrouter', 'qwen/qwen3'],
    ] as const) {
      expect(await sharpBound(MESSAGES, provider, model, asked)).toBe(byteBound(MESSAGES, provider));
    }
    expect(asked.asked).toEqual([]);
  });

  it('never exceeds the bytes, whatever the tokenizer says', async () => {
    const wild = fake(() => ({ tokens: 1e9, counted: 0 }));
    expect(await sharpBound(MESSAGES, 'openai', 'gpt-4o', wild)).toBe(byteBound(MESSAGES, 'openai'));
  });

  it.each([
    ['openai', 'gpt-4o-2024-08-06', 'o200k_base', 'all'],
    ['openai', 'ft:gpt-4o-mini:acme::abc', 'o200k_base', 'all'],
    ['openai', 'gpt-5.2', 'o200k_base', 'all'],
    ['openai', 'o3-mini', 'o200k_base', 'all'],
    ['openai', 'gpt-4-0613', 'cl100k_base', 'all'],
    ['openai', 'gpt-3.5-turbo', 'cl100k_base', 'all'],
    ['openai', 'text-embedding-3-small', 'cl100k_base', 'all'],
    ['openrouter', 'openai/gpt-4o', 'o200k_base', 'all'],
    ['anthropic', 'claude-opus-5', 'o200k_base', 'words'],
    ['amazon-bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'o200k_base', 'words'],
    ['google', 'gemini-2.5-pro', 'o200k_base', 'words'],
    ['google-vertex', 'claude-opus-4-5@20251101', 'o200k_base', 'words'],
    ['openai', 'anthropic/claude-opus-4.5', 'o200k_base', 'words'],
    ['mistral', 'mistral-large-latest', 'o200k_base', 'words'],
  ])('counts %s %s by %s, %s', async (provider, model, encoding, mode) => {
    const tokenizer = fake((text) => ({ tokens: 1, counted: text.length }));
    const sharp = await sharpBound(MESSAGES, provider, model, tokenizer);
    const texts = MESSAGES.flatMap(({ role, content }) => [role, content]);
    expect(tokenizer.asked).toMatchObject([{ texts, rule: { encoding, mode } }]);
    expect(sharp).toBeLessThan(byteBound(MESSAGES, provider));
  });

  it('charges a foreign tokenizer’s words by the measured factor, and the rest by its bytes', async () => {
    const tokenizer = fake((text) => ({ tokens: 999.5, counted: text.length - 7 }));
    const text = 'x'.repeat(2_000);
    const overhead = byteBound('', 'anthropic');
    for (const [provider, model, factor] of [
      ['anthropic', 'claude-opus-5', 2.5],
      ['mistral', 'codestral-latest', 2],
      ['google', 'gemini-2.5-pro', 1.6],
      ['google-vertex', 'claude-opus-4-5@20251101', 2.5],
    ] as const) {
      expect(await sharpBound(text, provider, model, tokenizer)).toBe(overhead + 1_000 + 7);
      expect(tokenizer.asked.at(-1)?.rule.factor).toBe(factor);
    }
  });

  it('counts no model of a vendor that the endpoint’s name does not tell by the endpoint’s rules', async () => {
    const tokenizer = fake(() => ({ tokens: 0, counted: 0 }));
    for (const model of ['mistral-medium-3', 'meta/llama-4', 'qwen-claude-distill'])
      await sharpBound(MESSAGES, 'google-vertex', model, tokenizer);
    expect(tokenizer.asked).toEqual([]);
    const image = [{ role: 'user', content: [{ type: 'image', image: 'https://example.com/a.png' }] }];
    expect(await sharpBound(image, 'openai', 'ft:gpt-4o-mini:claude::x', none)).toBeGreaterThan(48_000);
  });

  it('counts each different text once, text inside JSON in its longest form, with room for its edges', async () => {
    const tokenizer = fake((text) => ({ tokens: 300, counted: text.length }));
    const tool = (description: string) => ({ type: 'function', name: 'f', description });
    const text = 'Größe "in" cm\n'.repeat(20);
    const ask = (...tools: object[]) => sharpBound({ messages: [], tools }, 'openai', 'gpt-4o', tokenizer);
    const [once, twice] = [await ask(tool(text)), await ask(tool(text), tool(text))];
    const long = 'Gr\\u00f6\\u00dfe \\"in\\" cm\\n'.repeat(20);
    expect(tokenizer.asked[1]?.texts).toEqual(['tools', 'type', 'function', 'name', 'f', 'description', long]);
    // Short strings of 300 tokens cost their bytes; of the second tool, what its JSON has beside them.
    const short = 'type' + 'function' + 'name' + 'f' + 'description';
    expect(twice - once).toBe(32 + 4 + 4 + 3 * 5 + short.length + 300 + 2);
  });

  it('adds the blanks that a JSON text inside JSON may get', async () => {
    const counts = fake((text) => ({ tokens: 12, counted: text.length }));
    const ask = (value: string) => sharpBound({ messages: [], x: { value } }, 'openai', 'gpt-4o', counts);
    expect((await ask('{"a":1,"b":2,"c":3}')) - (await ask('a, b: 1, 2, c: 3 in words'))).toBe(5 + 2);
  });

  it('holds for what OpenAI’s API has counted', async () => {
    // community.openai.com, "Strange token cost calculation for tool_calls": one call, two, and three, in one message or in several.
    const call = { id: 'a', type: 'function', function: { name: 'calculator', arguments: '{"a":2, "b":2}' } };
    const answer = { role: 'tool', tool_call_id: 'a', content: '4' };
    const asked = { role: 'user', content: [{ type: 'text', text: 'How much is 2 plus 2?' }] };
    for (const [index, counted] of [40, 89, 114].entries()) {
      const calls = Array.from({ length: index + 1 }, () => call);
      const atOnce = [asked, { role: 'assistant', tool_calls: calls }, ...calls.map(() => answer)];
      const byOne = [asked, ...calls.flatMap((each) => [{ role: 'assistant', tool_calls: [each] }, answer])];
      for (const messages of [atOnce, byOne]) {
        const sharp = await sharpBound({ messages }, 'openai', 'gpt-3.5-turbo');
        expect(sharp).toBeGreaterThan(counted);
        expect(sharp).toBeLessThan(5 * counted);
      }
    }
    // OpenAI's cookbook, "How to count tokens with tiktoken": with a tool, 101 tokens for gpt-4o and 105 for gpt-4.
    const properties = {
      location: { type: 'string', description: 'The city and state, e.g. San Francisco, CA' },
      unit: { type: 'string', description: 'The unit of temperature to return', enum: ['celsius', 'fahrenheit'] },
    };
    const parameters = { type: 'object', properties, required: ['location'] };
    const description = 'Get the current weather in a given location';
    const tools = [{ type: 'function', function: { name: 'get_current_weather', description, parameters } }];
    const messages = [
      { role: 'system', content: 'You are a helpful assistant that can answer to questions about the weather.' },
      { role: 'user', content: "What's the weather like in San Francisco?" },
    ];
    expect(await sharpBound({ messages, tools }, 'openai', 'gpt-4o')).toBeGreaterThan(101);
    expect(await sharpBound({ messages, tools }, 'openai', 'gpt-4')).toBeGreaterThan(105);
  });

  it('takes the published preamble for tools, where the Claude model has one', async () => {
    const ask = (model: string) => sharpBound({ messages: [], tools: [{ name: 'f' }] }, 'anthropic', model, none);
    expect((await ask('claude-opus-5')) - (await ask('claude-opus-4-5'))).toBe(1_024 - 530);
  });

  it('narrows an image to its model', async () => {
    const input = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] }];
    expect(byteBound(input, 'openai')).toBeGreaterThan(48_000);
    expect(await sharpBound(input, 'openai', 'gpt-4o', none)).toBeLessThan(5_000);
  });
});
