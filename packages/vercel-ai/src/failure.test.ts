import {
  APICallError,
  InvalidPromptError,
  LoadAPIKeyError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import { AgentKavach, Budget } from '@agentkavach/core';
import { describe, expect, it } from 'vitest';
import { asBilled, unmasked, wasNotSent } from './failure.ts';

const api = (options: Partial<ConstructorParameters<typeof APICallError>[0]>) =>
  new APICallError({ message: 'failed', url: 'http://localhost', requestBodyValues: {}, ...options });

describe('errors that are thrown before anything is sent', () => {
  it.each([
    new LoadAPIKeyError({ message: 'no key' }),
    new UnsupportedFunctionalityError({ functionality: 'x' }),
    new InvalidPromptError({ prompt: '', message: 'x' }),
  ])('%s', (error) => expect(wasNotSent(error)).toBe(true));

  it.each([
    new TypeValidationError({ value: {}, cause: new Error('x') }),
    api({ statusCode: 200, cause: new TypeValidationError({ value: {}, cause: 'x' }) }),
    new TypeError('x'),
    'text',
    undefined,
  ])('are not: %s', (error) => expect(wasNotSent(error)).toBe(false));
});

/** What a guarded call that fails with this error is charged, and the error that the caller gets. */
async function outcome(failure: Error): Promise<{ spent: boolean; thrown: unknown }> {
  const guard = new AgentKavach({ budget: Budget.total(1) });
  let thrown: unknown;
  await unmasked(
    guard.call({ provider: 'openai', model: 'gpt-4o', input: 'Hi', notSent: wasNotSent }, () =>
      asBilled(() => Promise.reject(failure)),
    ),
  ).catch((error: unknown) => (thrown = error));
  const [budget] = guard.status().budgets;
  expect(budget?.reserved).toBe(0);
  return { spent: (budget?.spent ?? 0) > 0, thrown };
}

describe('what a failed call is charged', () => {
  const stream = { 'content-type': 'text/event-stream; charset=utf-8' };
  it.each([
    ['an error status', api({ statusCode: 500 }), false],
    ['a missing key', new LoadAPIKeyError({ message: 'no key' }), false],
    ['no connection', api({ cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }), false],
    ['a reset connection', api({ cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) }), true],
    ['an answer that can’t be read', api({ statusCode: 200, cause: new Error('parse') }), true],
    [
      'a status that the SDK made up for a failed generation',
      api({ statusCode: 500, responseBody: { usage: { output_tokens: 9 } } as never }),
      true,
    ],
    ['a status that the SDK made up for an error event', api({ statusCode: 500, responseHeaders: stream }), true],
    ['a rate limit inside a stream', api({ statusCode: 429, responseHeaders: stream }), false],
  ])('%s', async (_name, failure, charged) => {
    const { spent, thrown } = await outcome(failure);
    expect(spent).toBe(charged);
    expect(thrown).toBe(failure);
  });
});
