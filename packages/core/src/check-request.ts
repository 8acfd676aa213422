/** Checks a call request from outside: the few fields that the arithmetic relies on. */
import type { CallRequest } from './call.ts';
import { ConfigError } from './errors.ts';
import { show } from './show.ts';

const MAX_NAME = 500;

/** Every field of a request, and what a user may have meant by another name. */
const KNOWN = new Set<string>([
  ...[
    'provider',
    'model',
    'address',
    'input',
    'inputTokens',
    'inputRounds',
    'maxOutputTokens',
    'extraOutputTokens',
    'hidesOutput',
    'unstoppable',
  ],
  ...['canClampOutput', 'kind', 'signal', 'notSent', 'identity', 'cacheWrite', 'serviceTier', 'toolCalls', 'images'],
  ...['candidates', 'textOnly', 'canSwitchModel', 'history', 'keptItems'],
]);
const MEANT: Readonly<Record<string, string>> = {
  messages: 'input',
  prompt: 'input',
  contents: 'input',
  maxTokens: 'maxOutputTokens',
  max_tokens: 'maxOutputTokens',
  max_completion_tokens: 'maxOutputTokens',
  max_output_tokens: 'maxOutputTokens',
  n: 'candidates',
  abortSignal: 'signal',
};
const KINDS = ['text', 'embedding', 'image'];
const LIFETIMES = ['none', '5m', '1h'];

/** @throws ConfigError naming the field and what to write instead */
export function checkRequest(request: CallRequest): void {
  if (typeof request !== 'object' || (request as unknown) === null) {
    throw wrong(
      'request',
      `must be an object such as { provider: 'openai', model: 'gpt-4o', input: messages }`,
      request,
    );
  }
  for (const key in request) if (!KNOWN.has(key)) throw unknownField(key);
  checkName(request.provider, 'provider', `'openai'`);
  checkName(request.model, 'model', `'gpt-4o'`);
  if (request.address !== undefined && typeof request.address !== 'string')
    throw wrong('request.address', `must be a text such as 'https://proxy.example/v1'`, request.address);
  checkCount(request.maxOutputTokens, 'maxOutputTokens', 1);
  checkCount(request.inputTokens, 'inputTokens', 0);
  checkCount(request.inputRounds, 'inputRounds', 1);
  checkCount(request.extraOutputTokens, 'extraOutputTokens', 0);
  checkCount(request.candidates, 'candidates', 1);
  checkCount(request.images, 'images', 0);
  if (request.serviceTier !== undefined) checkName(request.serviceTier, 'serviceTier', `'flex'`);
  checkWord(request.kind, 'kind', KINDS);
  checkWord(request.cacheWrite, 'cacheWrite', LIFETIMES);
  const { signal, toolCalls } = request;
  if (toolCalls !== undefined) for (const name in toolCalls) checkCount(toolCalls[name], `toolCalls.${name}`, 0);
  if (request.history !== undefined && typeof request.history !== 'function')
    throw wrong('request.history', 'must be a function that returns the turns so far', request.history);
  if (request.keptItems !== undefined && typeof request.keptItems !== 'function')
    throw wrong('request.keptItems', 'must be a function that says what an item costs', request.keptItems);
  if (signal !== undefined && !isSignal(signal)) throw wrong('request.signal', 'must be an AbortSignal', signal);
}

/** @throws ConfigError when the callback of a call is none */
export function checkCallback(execute: unknown): void {
  if (typeof execute === 'function') return;
  throw wrong('execute', 'must be a function that sends the request, as the second argument', execute);
}

function isSignal({ addEventListener, removeEventListener }: AbortSignal): boolean {
  return typeof addEventListener === 'function' && typeof removeEventListener === 'function';
}

function unknownField(key: string): ConfigError {
  const meant = MEANT[key];
  const hint = meant === undefined ? `Known: ${[...KNOWN].join(', ')}.` : `Did you mean ${meant}?`;
  return new ConfigError(`Unknown field request.${key}. ${hint}`, { path: `request.${key}` });
}

function checkName(value: unknown, path: string, example: string): void {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_NAME) return;
  throw wrong(`request.${path}`, `must be a text of 1 to ${MAX_NAME} characters such as ${example}`, value);
}

function checkCount(value: unknown, path: string, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= least)) return;
  throw wrong(`request.${path}`, `must be a whole number from ${least}`, value);
}

function checkWord(value: unknown, path: string, words: readonly string[]): void {
  if (value === undefined || words.includes(value as string)) return;
  throw wrong(`request.${path}`, `must be one of ${words.map((word) => `'${word}'`).join(', ')}`, value);
}

function wrong(path: string, rule: string, value: unknown): ConfigError {
  return new ConfigError(`${path} ${rule}, got ${show(value)}.`, { path: path.replace(/^request\./, '') });
}
