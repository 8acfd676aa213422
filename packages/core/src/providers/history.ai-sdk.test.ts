import { describe, expect, it } from 'vitest';
import type { Turn } from '../call.ts';
import { historyOf } from './history.ts';

const tool = (name: string, args: unknown, result: unknown, isError = false): Turn => ({
  kind: 'tool',
  name,
  args,
  result,
  isError,
});
const user = (text: string): Turn => ({ kind: 'user', text });
const assistant = (text: string): Turn => ({ kind: 'assistant', text });

const CONVERSATION = [
  user('Weather in Bonn and Rome?'),
  assistant('Let me look.'),
  { ...tool('weather', { city: 'Bonn' }, 'rain'), withNext: true } as const,
  tool('weather', { city: 'Rome' }, 'sun'),
  assistant('Rain in Bonn, sun in Rome.'),
  user('Thanks!'),
];

describe('the AI SDK', () => {
  const call = (id: string, city: string) => ({
    type: 'tool-call',
    toolCallId: id,
    toolName: 'weather',
    input: { city },
  });
  const result = (id: string, output: unknown) => ({
    type: 'tool-result',
    toolCallId: id,
    toolName: 'weather',
    output,
  });

  it('reads prompts and model messages', () => {
    const prompt = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'Weather in Bonn and Rome?' }] },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: '…' },
          { type: 'text', text: 'Let me look.' },
          call('a', 'Bonn'),
          call('b', 'Rome'),
        ],
      },
      {
        role: 'tool',
        content: [
          result('a', { type: 'text', value: 'rain' }),
          result('b', { type: 'content', value: [{ type: 'text', text: 'sun' }] }),
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'Rain in Bonn, sun in Rome.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Thanks!' }] },
    ];
    expect(historyOf({ prompt, tools: [] })).toEqual(CONVERSATION);
  });

  it.each([
    [{ type: 'json', value: { a: 1 } }, { a: 1 }, false],
    [{ type: 'json', value: [{ type: 'text', text: 'a', n: 1 }] }, [{ type: 'text', text: 'a', n: 1 }], false],
    [{ type: 'json', value: null }, null, false],
    [{ type: 'error-text', value: 'down' }, 'down', true],
    [{ type: 'error-json', value: { code: 5 } }, { code: 5 }, true],
    [{ type: 'execution-denied', reason: 'no' }, 'no', true],
    [{ type: 'json', value: { isError: true, content: [] } }, { isError: true, content: [] }, true],
  ])('reads the output %j', (output, value, isError) => {
    const prompt = [
      { role: 'assistant', content: [call('a', 'Bonn')] },
      { role: 'tool', content: [result('a', output)] },
    ];
    expect(historyOf(prompt)).toEqual([tool('weather', { city: 'Bonn' }, value, isError)]);
  });

  it('reads what a provider has run, inside the model’s message', () => {
    const content = [call('a', 'Bonn'), result('a', { type: 'text', value: 'rain' }), { type: 'text', text: 'Rain.' }];
    expect(historyOf([{ role: 'assistant', content }])).toMatchObject([{ text: 'Rain.' }, { result: 'rain' }]);
  });
});
