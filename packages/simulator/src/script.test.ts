import { expect, it } from 'vitest';
import type { SimulatedRequest } from './request.ts';
import { scriptFrom } from './script.ts';

const request = (fields: Partial<SimulatedRequest> = {}): SimulatedRequest => ({
  n: 1,
  provider: 'openai',
  api: 'chat',
  model: 'gpt-4o',
  streamed: false,
  maxOutputTokens: undefined,
  candidates: 1,
  serviceTier: undefined,
  toolNames: [],
  imageTokens: 0,
  inputTokens: 1,
  text: 'How is the weather?',
  body: {},
  headers: {},
  ...fields,
});

it('answers with the first rule that matches', () => {
  const script = scriptFrom([
    { match: { provider: 'google' }, reply: { text: 'google' } },
    { match: { api: 'responses' }, reply: { text: 'responses' } },
    { match: { model: 'gpt-5' }, reply: { text: 'model' } },
    { match: { streamed: true }, reply: { text: 'streamed' } },
    { match: { text: 'weather', provider: 'openai' }, reply: { text: 'weather' } },
    { reply: { text: 'rest' } },
  ]);
  expect(script(request({ provider: 'google' }))).toEqual({ text: 'google' });
  expect(script(request({ api: 'responses' }))).toEqual({ text: 'responses' });
  expect(script(request({ model: 'gpt-5' }))).toEqual({ text: 'model' });
  expect(script(request({ streamed: true }))).toEqual({ text: 'streamed' });
  expect(script(request())).toEqual({ text: 'weather' });
  expect(script(request({ text: 'Hi' }))).toEqual({ text: 'rest' });
});

it('counts the requests that meet the other conditions', () => {
  const script = scriptFrom([
    { match: { model: 'gpt-4o', nth: 2 }, reply: { text: 'second' } },
    { match: { nth: 4 }, reply: { text: 'fourth of all' } },
  ]);
  const models = ['gpt-4o', 'gpt-5', 'gpt-4o', 'gpt-4o'];
  expect(models.map((model) => script(request({ model })))).toEqual([
    {},
    {},
    { text: 'second' },
    { text: 'fourth of all' },
  ]);
});
