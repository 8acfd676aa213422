/** Checks a call request from outside: the few fields that the arithmetic relies on. */
import type { CallRequest } from './call.ts';
import { ConfigError } from './errors.ts';
import { show } from './show.ts';

const MAX_NAME = 500;

/** @throws ConfigError naming the field and what to write instead */
export function checkRequest(request: CallRequest): void {
  if (typeof request !== 'object' || (request as unknown) === null) {
    throw new ConfigError(
      `The call needs a request such as { provider: 'openai', model: 'gpt-4o', input: messages }, got ${show(request)}.`,
      { path: 'request' },
    );
  }
  checkName(request.provider, 'provider', `'openai'`);
  checkName(request.model, 'model', `'gpt-4o'`);
  checkCount(request.maxOutputTokens, 'maxOutputTokens', 1);
  checkCount(request.inputTokens, 'inputTokens', 0);
  checkCount(request.extraOutputTokens, 'extraOutputTokens', 0);
  checkCount(request.candidates, 'candidates', 1);
  checkCount(request.images, 'images', 0);
  const { signal } = request;
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw new ConfigError(`request.signal must be an AbortSignal, got ${show(signal)}.`, { path: 'signal' });
  }
}

function checkName(value: unknown, path: string, example: string): void {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_NAME) return;
  throw new ConfigError(
    `request.${path} must be a text of 1 to ${MAX_NAME} characters such as ${example}, got ${show(value)}.`,
    { path },
  );
}

function checkCount(value: unknown, path: string, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= least)) return;
  throw new ConfigError(`request.${path} must be a whole number from ${least}, got ${show(value)}.`, { path });
}
