import { describe, expect, it } from 'vitest';
import { KeptItems, keptItemsOf, writtenItems } from './kept-items.ts';

describe('kept items', () => {
  it('cost all the output of their answer, for the model that wrote them', () => {
    const items = new KeptItems();
    items.learn('gpt-5', ['rs_1', 'msg_1'], 700);
    expect(items.tokensOf('rs_1', 'gpt-5')).toBe(700);
    expect(items.tokensOf('msg_1', 'gpt-5')).toBe(700);
    expect(items.tokensOf('rs_1', 'gpt-5-mini')).toBeUndefined();
    expect(items.tokensOf('rs_2', 'gpt-5')).toBeUndefined();
  });

  it.each([undefined, 0, -1, Number.NaN])('learn nothing of a bill of %s tokens', (tokens) => {
    const items = new KeptItems();
    items.learn('gpt-5', ['rs_1'], tokens);
    expect(items.tokensOf('rs_1', 'gpt-5')).toBeUndefined();
  });

  it('never cost less than they did once', () => {
    const items = new KeptItems();
    items.learn('gpt-5', ['rs_1'], 700);
    items.learn('gpt-5', ['rs_1'], 3);
    expect(items.tokensOf('rs_1', 'gpt-5')).toBe(700);
  });

  it('are forgotten beyond a number, the oldest first, and never kept with a long id', () => {
    const items = new KeptItems();
    const ids = Array.from({ length: 3_000 }, (_, i) => `rs_${i}`);
    items.learn('gpt-5', ids, 7);
    expect(items.tokensOf('rs_0', 'gpt-5')).toBeUndefined();
    expect(items.tokensOf('rs_2999', 'gpt-5')).toBe(7);
    expect(ids.filter((id) => items.tokensOf(id, 'gpt-5') !== undefined)).toHaveLength(2_048);
    items.learn('gpt-5', ['x'.repeat(200)], 7);
    expect(items.tokensOf('x'.repeat(200), 'gpt-5')).toBeUndefined();
  });
});

it('are remembered by owner and host, of so many hosts', () => {
  const [owner, other] = [{}, {}];
  expect(keptItemsOf(owner, 'a')).toBe(keptItemsOf(owner, 'a'));
  expect(keptItemsOf(owner, 'a')).not.toBe(keptItemsOf(owner, 'b'));
  expect(keptItemsOf(owner, 'a')).not.toBe(keptItemsOf(other, 'a'));
  for (let i = 0; i < 100; i++) keptItemsOf(owner, `${i}`);
  expect(keptItemsOf(owner, '99')).not.toBe(keptItemsOf(owner, '99'));
  expect(keptItemsOf(owner, 'a')).toBe(keptItemsOf(owner, 'a'));
});

it('are what the model wrote itself', () => {
  const output = [
    { type: 'reasoning', id: 'rs_1' },
    { type: 'web_search_call', id: 'ws_1' },
    { type: 'message', id: 'msg_1' },
    { type: 'function_call', id: 'fc_1' },
    { type: 'message' },
    null,
  ];
  expect(writtenItems({ output })).toEqual(['rs_1', 'msg_1', 'fc_1']);
  for (const other of [undefined, 'x', {}, { output: 'x' }]) expect(writtenItems(other)).toEqual([]);
});
