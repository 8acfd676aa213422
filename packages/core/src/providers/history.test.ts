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

/** What every provider's version of one conversation must read as. */
const CONVERSATION = [
  user('Weather in Bonn and Rome?'),
  assistant('Let me look.'),
  { ...tool('weather', { city: 'Bonn' }, 'rain'), withNext: true } as const,
  tool('weather', { city: 'Rome' }, 'sun'),
  assistant('Rain in Bonn, sun in Rome.'),
  user('Thanks!'),
];
const withTextArgs = CONVERSATION.map((turn) =>
  turn.kind === 'tool' ? { ...turn, args: JSON.stringify(turn.args) } : turn,
);

describe('OpenAI Chat Completions', () => {
  const call = (id: string, city: string) => ({
    id,
    type: 'function',
    function: { name: 'weather', arguments: JSON.stringify({ city }) },
  });
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'text', text: 'Weather in Bonn and Rome?' }] },
    { role: 'assistant', content: 'Let me look.', tool_calls: [call('c1', 'Bonn'), call('c2', 'Rome')] },
    { role: 'tool', tool_call_id: 'c1', content: 'rain' },
    { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: 'sun' }] },
    { role: 'assistant', content: 'Rain in Bonn, sun in Rome.' },
    { role: 'user', content: 'Thanks!' },
  ];

  it('reads calls, results and messages', () => {
    expect(historyOf(messages)).toEqual(withTextArgs);
    expect(historyOf({ model: 'gpt-4o', messages, tools: [] })).toEqual(withTextArgs);
  });

  it('reads results in any order, and calls without one', () => {
    const swapped = [...messages.slice(0, 3), messages[4], messages[3]];
    expect(historyOf(swapped)).toEqual(withTextArgs.slice(0, 4));
    expect(historyOf(messages.slice(0, 4))).toMatchObject([{}, {}, { result: 'rain' }, { result: undefined }]);
  });

  it('keeps results apart where each turn begins its ids anew', () => {
    const turn = (result: string) => [
      { role: 'assistant', content: null, tool_calls: [call('call_0', 'Bonn')] },
      { role: 'tool', tool_call_id: 'call_0', content: result },
    ];
    expect(historyOf([...turn('rain'), ...turn('sun')])).toMatchObject([
      { result: 'rain', withNext: undefined },
      { result: 'sun', withNext: undefined },
    ]);
  });

  it('reads custom tools and the function calls of old', () => {
    const old = [
      { role: 'assistant', tool_calls: [{ id: 'x', type: 'custom', custom: { name: 'sql', input: 'select 1' } }] },
      { role: 'tool', tool_call_id: 'x', content: '1' },
      { role: 'assistant', content: null, function_call: { name: 'now', arguments: '{}' } },
      { role: 'function', name: 'now', content: '12:00' },
    ];
    expect(historyOf(old)).toEqual([tool('sql', 'select 1', '1'), tool('now', '{}', '12:00')]);
  });

  it('stops when it has enough, and never reads what lies before', () => {
    const unread = {
      get role(): string {
        throw new Error('read');
      },
    };
    expect(historyOf([unread, ...messages], 2)).toEqual(withTextArgs.slice(-2));
  });
});

it('reads Mistral’s client', () => {
  const messages = [
    {
      role: 'assistant',
      content: '',
      toolCalls: [{ id: 'c1', function: { name: 'weather', arguments: { city: 'Bonn' } } }],
    },
    { role: 'tool', toolCallId: 'c1', name: 'weather', content: 'rain' },
  ];
  expect(historyOf({ messages })).toEqual([tool('weather', { city: 'Bonn' }, 'rain')]);
});

describe('OpenAI Responses', () => {
  const call = (id: string, city: string) => ({
    type: 'function_call',
    id: `fc_${id}`,
    call_id: id,
    name: 'weather',
    arguments: JSON.stringify({ city }),
  });
  const output = (id: string, value: unknown) => ({ type: 'function_call_output', call_id: id, output: value });

  it('reads items', () => {
    const input = [
      { role: 'user', content: 'Weather in Bonn and Rome?' },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Let me look.', annotations: [] }] },
      call('a', 'Bonn'),
      call('b', 'Rome'),
      output('a', 'rain'),
      output('b', [{ type: 'input_text', text: 'sun' }]),
      { role: 'assistant', content: 'Rain in Bonn, sun in Rome.' },
      { role: 'user', content: [{ type: 'input_text', text: 'Thanks!' }] },
    ];
    expect(historyOf({ input, model: 'gpt-5' })).toEqual(withTextArgs);
  });

  it('reads the other tools that the caller runs, and leaves out those that OpenAI runs', () => {
    const input = [
      { type: 'custom_tool_call', call_id: 'a', name: 'sql', input: 'select 1' },
      { type: 'custom_tool_call_output', call_id: 'a', output: '1' },
      { type: 'shell_call', call_id: 'b', action: { commands: ['ls'] } },
      { type: 'shell_call_output', call_id: 'b', output: [{ stdout: 'x' }] },
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
    ];
    expect(historyOf(input)).toEqual([
      tool('sql', 'select 1', '1'),
      tool('shell_call', { commands: ['ls'] }, [{ stdout: 'x' }]),
    ]);
  });

  it('has nothing to read in a text', () => {
    expect(historyOf({ input: 'Hi', previous_response_id: 'resp_1' })).toEqual([]);
  });
});

describe('Anthropic', () => {
  const use = (id: string, city: string) => ({ type: 'tool_use', id, name: 'weather', input: { city } });
  const result = (id: string, content: unknown, more: object = {}) => ({
    type: 'tool_result',
    tool_use_id: id,
    content,
    ...more,
  });

  it('reads blocks', () => {
    const messages = [
      { role: 'user', content: 'Weather in Bonn and Rome?' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: '…' },
          { type: 'text', text: 'Let me look.' },
          use('a', 'Bonn'),
          use('b', 'Rome'),
        ],
      },
      { role: 'user', content: [result('a', 'rain'), result('b', [{ type: 'text', text: 'sun' }])] },
      { role: 'assistant', content: [{ type: 'text', text: 'Rain in Bonn, sun in Rome.' }] },
      { role: 'user', content: 'Thanks!' },
    ];
    expect(historyOf({ messages })).toEqual(CONVERSATION);
  });

  it('takes text beside results for the user’s, after them', () => {
    const messages = [
      { role: 'assistant', content: [use('a', 'Bonn')] },
      { role: 'user', content: [result('a', 'rain'), { type: 'text', text: 'And Rome?' }] },
    ];
    expect(historyOf(messages)).toEqual([tool('weather', { city: 'Bonn' }, 'rain'), user('And Rome?')]);
  });

  it('reads errors, and leaves out the marks of the prompt cache', () => {
    const marked = [{ type: 'image', source: { data: 'x' }, cache_control: { type: 'ephemeral' } }];
    const messages = [
      { role: 'assistant', content: [use('a', 'Bonn'), use('b', 'Rome')] },
      { role: 'user', content: [result('a', 'down', { is_error: true }), result('b', marked)] },
    ];
    expect(historyOf(messages)).toEqual([
      { ...tool('weather', { city: 'Bonn' }, 'down', true), withNext: true },
      tool('weather', { city: 'Rome' }, [{ type: 'image', source: { data: 'x' } }]),
    ]);
  });
});

describe('Gemini', () => {
  it('reads contents, whose calls the name links', () => {
    const contents = [
      { role: 'user', parts: [{ text: 'Weather in Bonn and Rome?' }] },
      {
        role: 'model',
        parts: [
          { text: 'I think', thought: true },
          { text: 'Let me look.' },
          { functionCall: { name: 'weather', args: { city: 'Bonn' } } },
          { functionCall: { name: 'weather', args: { city: 'Rome' } } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'weather', response: { output: 'rain' } } },
          { functionResponse: { name: 'weather', response: { output: 'sun' } } },
        ],
      },
      { role: 'model', parts: [{ text: 'Rain in Bonn, ' }, { text: 'sun in Rome.' }] },
      { role: 'user', parts: [{ text: 'Thanks!' }] },
    ];
    const expected = CONVERSATION.map((turn) =>
      turn.kind === 'tool'
        ? { ...turn, result: { output: turn.result } }
        : { ...turn, text: turn.text.replace('Bonn, ', 'Bonn, \n') },
    );
    expect(historyOf({ contents })).toEqual(expected);
  });

  it('reads ids and errors', () => {
    const contents = [
      { role: 'model', parts: [{ functionCall: { id: 'f1', name: 'weather', args: {} } }] },
      { role: 'user', parts: [{ functionResponse: { id: 'f1', name: 'weather', response: { error: 'down' } } }] },
    ];
    expect(historyOf(contents)).toEqual([tool('weather', {}, { error: 'down' }, true)]);
  });
});

describe('what is not text', () => {
  it('makes each message of the user another', () => {
    const message = {
      role: 'user',
      content: [
        { type: 'text', text: 'Go on' },
        { type: 'image_url', image_url: 'x' },
      ],
    };
    const [first, second] = historyOf([message, message]) as [Turn, Turn];
    expect(first).not.toEqual(second);
  });
});

describe('what nobody knows', () => {
  it.each([
    [undefined],
    [null],
    ['Hi'],
    [5],
    [{}],
    [{ messages: 'Hi' }],
    [[null, 5, [], {}, { role: 'tool' }, { role: 7 }]],
  ])('has no turns: %j', (input) => {
    expect(historyOf(input)).toEqual([]);
  });

  it('takes texts in a list for the user’s', () => {
    expect(historyOf(['Hi', 'You'])).toEqual([user('Hi'), user('You')]);
  });
});
