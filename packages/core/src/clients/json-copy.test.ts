import { expect, it } from 'vitest';
import { jsonCopy } from './json-copy.ts';

it('copies what JSON would write, so that later changes do not reach the copy', () => {
  const messages = [{ role: 'user', content: 'Hi', name: undefined }];
  const body = { model: 'gpt-4o', n: null, messages, log: () => undefined };
  const copy = jsonCopy(body);
  expect(copy).toEqual(JSON.parse(JSON.stringify(body)));
  messages.length = 0;
  expect(copy?.['messages']).toHaveLength(1);
});

class Message {
  readonly role = 'user';
}

it.each([
  ['a text', 'text'],
  ['nothing', null],
  ['an array', []],
  ['an object that writes itself', { messages: [{ toJSON: () => 'Hi' }] }],
  ['an object of a class', { messages: [new Message()] }],
  ['a date', { at: new Date(0) }],
  ['an object without a prototype', { at: Object.create(null) as object }],
  ['a key that is a prototype', JSON.parse('{"a":{"__proto__":{"n":1}}}')],
])('leaves %s to be parsed', (_, value) => {
  expect(jsonCopy(value)).toBeUndefined();
});

it('leaves what is nested without end to be parsed', () => {
  let body: object = {};
  for (let i = 0; i < 200; i++) body = { body };
  expect(jsonCopy(body)).toBeUndefined();
});
