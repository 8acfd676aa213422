import { APICallError } from '@ai-sdk/provider';
import { generateText, RetryError } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { describe, expect, it, vi } from 'vitest';
import * as errors from './errors.ts';
import { findKavachError } from './find-error.ts';

const {
  BudgetExceededError, CallLimitError, CallTimeoutError, ClosedError, ConfigError, GuardrailError, KavachError, KilledError,
  RuntimeLimitError, StreamIdleError, TokenLimitError, ToolLimitError, UnknownModelError, VelocityLimitError,
} = errors; // prettier-ignore

const FIGURES: errors.BudgetFigures = {
  heldByOthers: 0,
  scope: 'agent',
  budgetId: 'daily',
  period: 'daily',
  unit: 'usd',
  limit: 50,
  spent: 49.5,
  reserved: 0.25,
  requested: 1.5,
  resetsAt: '2026-01-02T00:00:00.000Z',
};

const ALL: [string, errors.KavachErrorCode, errors.KavachError][] = [
  ['BudgetExceededError', 'KAVACH_BUDGET_EXCEEDED', new BudgetExceededError('m', FIGURES)],
  ['KilledError', 'KAVACH_KILLED', new KilledError('m', 'manual', 'ops')],
  ['TokenLimitError', 'KAVACH_TOKEN_LIMIT', new TokenLimitError('m', 'r', 10, 11)],
  ['CallLimitError', 'KAVACH_CALL_LIMIT', new CallLimitError('m', 'r', 10, 10)],
  ['ToolLimitError', 'KAVACH_TOOL_LIMIT', new ToolLimitError('m', 'r', 10, 12)],
  ['RuntimeLimitError', 'KAVACH_RUNTIME_LIMIT', new RuntimeLimitError('m', 'r', 300, 301.5)],
  ['VelocityLimitError', 'KAVACH_VELOCITY_LIMIT', new VelocityLimitError('m', 'r', 2, 2.5)],
  ['UnknownModelError', 'KAVACH_UNKNOWN_MODEL', new UnknownModelError('m', 'openai', 'gpt-9')],
  ['CallTimeoutError', 'KAVACH_CALL_TIMEOUT', new CallTimeoutError('m', 600)],
  ['StreamIdleError', 'KAVACH_STREAM_IDLE', new StreamIdleError('m', 30_000)],
  ['ClosedError', 'KAVACH_CLOSED', new ClosedError('m')],
  ['ConfigError', 'KAVACH_CONFIG', new ConfigError('m', { path: 'budget', line: 3 })],
];

describe.each(ALL)('%s', (name, code, error) => {
  it('has its code and is never to be retried', () => {
    expect(error).toBeInstanceOf(KavachError);
    expect(error).toMatchObject({ name, code, message: 'm', retryable: false });
  });

  it('is safe to write as JSON, with its figures', () => {
    const json = JSON.parse(JSON.stringify(error)) as Record<string, unknown>;
    expect(json).toMatchObject({ name, code, message: 'm', retryable: false });
    expect(json).not.toHaveProperty('stack');
    for (const [key, value] of Object.entries(error)) if (value !== undefined) expect(json[key]).toEqual(value);
  });

  it('keeps its name when a bundler renames the class', () => {
    const renamed = error.constructor as typeof KavachError;
    expect(Object.hasOwn(renamed, 'kind')).toBe(true);
    expect(renamed.kind).toBe(name);
  });

  it('is final to the AI SDK', () => {
    expect(APICallError.isInstance(error)).toBe(true);
    expect((error as unknown as APICallError).isRetryable).toBe(false);
  });

  it('is an instance of its class and family only', () => {
    const isGuardrail = /Limit/.test(name);
    expect((error.constructor as unknown as typeof ConfigError).isInstance(error)).toBe(true);
    expect(GuardrailError.isInstance(error)).toBe(isGuardrail);
    expect(error instanceof GuardrailError).toBe(isGuardrail);
    expect(KilledError.isInstance(error)).toBe(name === 'KilledError');
  });
});

describe('isInstance', () => {
  it('knows the errors of another copy of the package', async () => {
    vi.resetModules();
    const copy = await import('./errors.ts');
    const theirs = new copy.CallLimitError('m', 'r', 1, 1);
    expect(theirs).not.toBeInstanceOf(CallLimitError);
    expect(CallLimitError.isInstance(theirs)).toBe(true);
    expect(GuardrailError.isInstance(theirs)).toBe(true);
    expect(KavachError.isInstance(theirs)).toBe(true);
    expect(TokenLimitError.isInstance(theirs)).toBe(false);
    expect(findKavachError(new Error('wrap', { cause: theirs }))).toBe(theirs);
  });

  it.each([[undefined], [null], ['x'], [5], [{}], [new Error('x')], [{ name: 'KilledError', code: 'KAVACH_KILLED' }]])(
    'is false for %s',
    (value) => {
      expect(KavachError.isInstance(value)).toBe(false);
      expect(KilledError.isInstance(value)).toBe(false);
    },
  );
});

describe('the retries of the AI SDK', () => {
  const refusal = new BudgetExceededError('no room', FIGURES);

  it('do not repeat a refusal', async () => {
    const doGenerate = vi.fn(() => Promise.reject(refusal));
    const error: unknown = await generateText({ model: new MockLanguageModelV4({ doGenerate }), prompt: 'Hi' }).catch(
      (thrown: unknown) => thrown,
    );
    expect(doGenerate).toHaveBeenCalledOnce();
    expect(findKavachError(error)).toBe(refusal);
  });

  it('end with a refusal on a later attempt, which is found in their RetryError', async () => {
    vi.useFakeTimers();
    const busy = new APICallError({
      message: 'busy',
      url: 'x',
      requestBodyValues: {},
      statusCode: 529,
      isRetryable: true,
    });
    const doGenerate = vi.fn(() => Promise.reject(refusal)).mockRejectedValueOnce(busy);
    const answer = generateText({ model: new MockLanguageModelV4({ doGenerate }), prompt: 'Hi' }).catch(
      (thrown: unknown) => thrown,
    );
    await vi.runAllTimersAsync();
    const error: unknown = await answer;
    vi.useRealTimers();
    expect(doGenerate).toHaveBeenCalledTimes(2);
    expect(RetryError.isInstance(error)).toBe(true);
    expect(findKavachError(error)).toBe(refusal);
  });
});
