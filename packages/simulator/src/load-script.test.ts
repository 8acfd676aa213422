import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadScript, parseScript, ScriptError } from './load-script.ts';

const one = (rule: unknown): unknown => ({ rules: [rule] });
const reply = (fields: unknown): unknown => one({ reply: fields });

async function load(content: string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'script-'));
  try {
    await writeFile(join(folder, 'script.json'), content);
    return await loadScript(join(folder, 'script.json'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

it('reads every field', async () => {
  const rules = [
    {
      match: { provider: 'openai', api: 'chat', model: 'gpt-4o', streamed: true, text: 'weather', nth: 2 },
      reply: { text: 'Sunny.' },
    },
    {
      reply: {
        tokens: 10,
        reasoningTokens: 2,
        toolCalls: [{ name: 'a' }, { name: 'b', arguments: { x: [1] } }],
        usage: { inputTokens: 9, cacheRead: 1, cacheWrite: 2, cacheWrite1h: 3, toolUsePrompt: 1 },
        latencyMs: 0.5,
        chunkMs: 1,
        chunkTokens: 2,
        cutAfterChunks: 0,
        errorEventAfterChunks: 3,
        omitUsage: true,
        model: 'gpt-4o-mini',
        serviceTier: 'flex',
      },
    },
    { reply: { hang: false, error: { status: 503, message: 'down', body: null, retryAfter: 1 } } },
  ];
  expect(await load(JSON.stringify({ rules }))).toEqual(rules);
});

describe('names the field that is wrong', () => {
  it.each([
    [[], 'The script must be an object, got []'],
    [{}, 'rules is missing'],
    [{ rules: {} }, 'rules must be a list, got {}'],
    [{ rules: [], rule: [] }, 'rule is unknown. The script may have: rules.'],
    [one({}), 'rules[0].reply is missing'],
    [one({ reply: {}, when: {} }), 'rules[0].when is unknown. rules[0] may have: match, reply.'],
    [
      one({ reply: {}, match: { provider: 'azure' } }),
      'rules[0].match.provider must be one of openai, anthropic, google, mistral, got "azure"',
    ],
    [one({ reply: {}, match: { nth: 0 } }), 'rules[0].match.nth must be a whole number of at least 1, got 0'],
    [reply({ tokens: -1 }), 'rules[0].reply.tokens must be a whole number of at least 0, got -1'],
    [reply({ latencyMs: '5' }), 'rules[0].reply.latencyMs must be milliseconds, 0 or more, got "5"'],
    [reply({ error: {} }), 'rules[0].reply.error.status is missing'],
    [reply({ error: { status: 200 } }), 'rules[0].reply.error.status must be a whole number from 400 to 599, got 200'],
    [reply({ toolCalls: [{ name: 'a' }, {}] }), 'rules[0].reply.toolCalls[1].name is missing'],
    [reply({ usage: { outputTokens: 3 } }), 'rules[0].reply.usage.outputTokens is unknown'],
    [reply({ text: 'a', tokens: 3 }), 'rules[0].reply has both text and tokens'],
    [reply({ hold: {} }), 'rules[0].reply.hold is for scripts in code only'],
  ])('%j', (value, message) => {
    const read = (): unknown => parseScript(value);
    expect(read).toThrow(ScriptError);
    expect(read).toThrow(message);
  });
});

it('names the file', async () => {
  await expect(loadScript('/nowhere/script.json')).rejects.toThrow("/nowhere/script.json: the file can't be read");
  await expect(load('{')).rejects.toThrow('script.json: not JSON');
  await expect(load('{"rules":[{}]}')).rejects.toThrow('script.json: rules[0].reply is missing');
});
