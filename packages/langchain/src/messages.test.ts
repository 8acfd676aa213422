import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { describe, expect, it } from 'vitest';
import { cacheLifetime, holdsOnlyText, sentMessage, turnsOf } from './messages.ts';

const call = { id: '1', name: 'lookup', args: { word: 'x' }, type: 'tool_call' as const };

describe('turnsOf', () => {
  it('pairs each tool call with its answer, and keeps what was said', () => {
    const turns = turnsOf([
      new SystemMessage('Be brief'),
      new HumanMessage('Go'),
      new AIMessage({ content: 'Looking', tool_calls: [call, { ...call, id: '2' }] }),
      new ToolMessage({ tool_call_id: '1', content: 'found' }),
      new ToolMessage({ tool_call_id: '2', content: 'broken', status: 'error' }),
      new AIMessage({ content: [{ type: 'text', text: 'Done' }] }),
    ]);
    expect(turns).toEqual([
      { kind: 'user', text: 'Go' },
      { kind: 'assistant', text: 'Looking' },
      { kind: 'tool', name: 'lookup', args: { word: 'x' }, result: 'found', isError: false, withNext: true },
      { kind: 'tool', name: 'lookup', args: { word: 'x' }, result: 'broken', isError: true, withNext: false },
      { kind: 'assistant', text: 'Done' },
    ]);
  });

  it('gives each call its own answer where a provider gives every turn the same id', () => {
    const rounds = ['first', 'second'].flatMap((content) => [
      new AIMessage({ content: '', tool_calls: [call] }),
      new ToolMessage({ tool_call_id: '1', content }),
    ]);
    expect(turnsOf(rounds)).toMatchObject([{ result: 'first' }, { result: 'second' }]);
  });

  it('sees the same answer in text and in blocks of it, wherever the prompt cache has its mark', () => {
    const marked = [{ type: 'text', text: 'found', cache_control: { type: 'ephemeral' } }];
    const rounds = ['found', marked].flatMap((content, i) => [
      new AIMessage({ content: '', tool_calls: [{ ...call, id: `${i}` }] }),
      new ToolMessage({ tool_call_id: `${i}`, content }),
    ]);
    expect(turnsOf(rounds)).toMatchObject([{ result: 'found' }, { result: 'found' }]);
  });

  it('takes what a person attaches for news', () => {
    const image = (url: string) => [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url } },
    ];
    const [first, second] = turnsOf([
      new HumanMessage({ content: image('https://x/a.png') }),
      new HumanMessage({ content: image('https://x/b.png') }),
    ]);
    expect(first).toMatchObject({ kind: 'user' });
    expect(first).not.toEqual(second);
  });

  it('leaves the answer open that has not come', () => {
    expect(turnsOf([new AIMessage({ content: '', tool_calls: [call] })])).toMatchObject([
      { kind: 'tool', result: undefined },
    ]);
  });
});

describe('sentMessage', () => {
  const answer = Object.assign(
    new AIMessage({
      content: 'Hi',
      tool_calls: [call],
      additional_kwargs: { reasoning_content: 'because', tool_calls: [] },
      response_metadata: { usage: { prompt_tokens: 3 }, output: [{ type: 'reasoning' }] },
    }),
    { usage_metadata: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } },
  );

  it('keeps what the provider gets, and nothing of LangChain’s own', () => {
    expect(sentMessage(answer, false)).toEqual({
      role: 'assistant',
      content: 'Hi',
      tool_calls: [call],
      additional: { reasoning_content: 'because' },
    });
  });

  it('takes the items of an earlier answer, and not its content too, where they are what is sent', () => {
    expect(sentMessage(answer, true)).toEqual({ role: 'assistant', content: [{ type: 'reasoning' }] });
  });

  it('takes the content where the items are none that would be sent', () => {
    const odd = new AIMessage({ content: 'Hi', response_metadata: { output: ['Hi'] } });
    expect(sentMessage(odd, true)).toEqual({ role: 'assistant', content: 'Hi' });
  });

  it.each([
    [new HumanMessage('a'), 'user'],
    [new SystemMessage('a'), 'system'],
    [new ToolMessage({ tool_call_id: '1', content: 'a' }), 'tool'],
  ])('names the role: %o', (message, role) => {
    expect(sentMessage(message, true)).toMatchObject({ role, content: 'a' });
  });
});

describe('holdsOnlyText', () => {
  it.each([
    [[new HumanMessage('a'), new AIMessage({ content: [{ type: 'text', text: 'b' }] })], true],
    [[new HumanMessage({ content: [{ type: 'image_url', image_url: 'https://x/y.png' }] })], false],
    [['a string is a message of its own'], false],
  ])('%#', (messages, expected) => {
    expect(holdsOnlyText(messages)).toBe(expected);
  });
});

describe('cacheLifetime', () => {
  const marked = (ttl?: string) =>
    new HumanMessage({
      content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ...(ttl && { ttl }) } }],
    });
  it.each([
    [{}, [new HumanMessage('a')], 'none'],
    [{ cache_control: { type: 'ephemeral' } }, [], '5m'],
    [{ tools: [{ name: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } }] }, [marked()], '1h'],
    [{}, [marked('5m'), marked('1h'), marked()], '1h'],
    [{}, [marked('2h')], '1h'],
  ])('%#', (params, messages, expected) => {
    expect(cacheLifetime(params, messages)).toBe(expected);
  });
});
