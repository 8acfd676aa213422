import { describe, expect, it } from 'vitest';
import { Budget } from '../budget/budget.ts';
import { ConfigError } from '../errors.ts';
import { checkOptions, type KavachOptions } from './options.ts';
import { withEnvironment } from './env.ts';
import { readOptions } from './read-options.ts';

const BUDGET = { AGENTKAVACH_BUDGET: 'daily:1' };

describe('the environment', () => {
  it.each([
    ['AGENTKAVACH_AGENT_NAME', 'bot', 'agentName', 'bot'],
    ['AGENTKAVACH_MODE', 'observe', 'mode', 'observe'],
    ['AGENTKAVACH_MIN_OUTPUT_TOKENS', '64', 'minOutputTokens', 64],
    ['AGENTKAVACH_OUTPUT_SHARE', '0.5', 'outputShare', 0.5],
    ['AGENTKAVACH_WAIT_MS', '0', 'waitMs', 0],
    ['AGENTKAVACH_MAX_CALL_SECONDS', '60', 'maxCallMs', 60_000],
    ['AGENTKAVACH_IDLE_MS', '5000', 'idleMs', 5_000],
    ['AGENTKAVACH_CANCEL_MARGIN_TOKENS', '100', 'cancelMarginTokens', 100],
    ['AGENTKAVACH_ON_UNKNOWN_USAGE', 'seen', 'onUnknownUsage', 'seen'],
    ['AGENTKAVACH_ON_UNKNOWN_MODEL', 'ceiling', 'onUnknownModel', 'ceiling'],
    ['AGENTKAVACH_API_KEY', 'nonsense', 'enabled', false],
  ])('sets an option with %s=%s', (variable, value, field, expected) => {
    const policy = checkOptions(withEnvironment({}, { ...BUDGET, [variable]: value }));
    expect(policy[field as keyof typeof policy]).toBe(expected);
  });

  it.each([
    ['AGENTKAVACH_MAX_TOKENS_PER_RUN', 'maxTokensPerRun', 7],
    ['AGENTKAVACH_MAX_CALLS_PER_RUN', 'maxCallsPerRun', 7],
    ['AGENTKAVACH_MAX_RUNTIME_SECONDS', 'maxRuntimeSeconds', 7],
    ['AGENTKAVACH_MAX_TOOL_CALLS_PER_RUN', 'maxToolCallsPerRun', 7],
    ['AGENTKAVACH_MAX_USD_PER_MINUTE', 'maxNanoPerMinute', 7e9],
  ])('sets a guardrail with %s', (variable, field, expected) => {
    const { limits } = checkOptions(withEnvironment({}, { ...BUDGET, [variable]: '7' }));
    expect(limits[field as keyof typeof limits]).toBe(expected);
  });

  it('reads budgets, prices and the price of unknown models', () => {
    const policy = checkOptions(
      withEnvironment(
        {},
        {
          AGENTKAVACH_BUDGET: 'daily:50, total:0.5,tokens:1000:hourly,calls:500:weekly',
          AGENTKAVACH_PRICES: '{"mine":{"inputPerMillion":3,"outputPerMillion":12}}',
          AGENTKAVACH_ON_UNKNOWN_MODEL: '{"inputPerMillion":1,"outputPerMillion":2}',
        },
      ),
    );
    expect(policy.budgets.map(({ unit, period, limit }) => [unit, period, limit])).toEqual([
      ['usd', 'daily', 50e9],
      ['usd', 'total', 0.5e9],
      ['tokens', 'hourly', 1000],
      ['calls', 'weekly', 500],
    ]);
    expect(policy.prices.get('mine')).toEqual({ inputPerMillion: 3, outputPerMillion: 12 });
    expect(policy.onUnknownModel).toEqual({ inputPerMillion: 1, outputPerMillion: 2 });
  });

  it('gives way to what the code says, option by option', () => {
    const environment = {
      AGENTKAVACH_BUDGET: 'nonsense',
      AGENTKAVACH_MODE: 'soft',
      AGENTKAVACH_MAX_CALLS_PER_RUN: 'nonsense',
      AGENTKAVACH_MAX_TOKENS_PER_RUN: '70',
      AGENTKAVACH_MAX_RUNTIME_SECONDS: '5',
    };
    const guardrails = { maxCallsPerRun: 3, maxRuntimeSeconds: undefined };
    const policy = checkOptions(withEnvironment({ budget: Budget.daily(2), mode: 'hard', guardrails }, environment));
    expect(policy.mode).toBe('hard');
    expect(policy.budgets[0]!.limit).toBe(2e9);
    expect(policy.limits).toMatchObject({ maxCallsPerRun: 3, maxTokensPerRun: 70, maxRuntimeSeconds: 5 });
  });

  it('counts a variable that is set to nothing as not set', () => {
    const names = ['API_KEY', 'MODE', 'WAIT_MS', 'MAX_CALLS_PER_RUN', 'PRICES'];
    const empty = Object.fromEntries(names.map((name) => [`AGENTKAVACH_${name}`, '']));
    expect(checkOptions(withEnvironment({}, { ...BUDGET, ...empty }))).toMatchObject({
      enabled: true,
      mode: 'hard',
      waitMs: 30_000,
    });
  });

  it.each([
    ['AGENTKAVACH_WAIT_MS', 'soon'],
    ['AGENTKAVACH_WAIT_MS', ' '],
    ['AGENTKAVACH_MAX_CALLS_PER_RUN', 'many'],
    ['AGENTKAVACH_PRICES', '{'],
    ['AGENTKAVACH_ON_UNKNOWN_MODEL', '{'],
    ['AGENTKAVACH_BUDGET', 'fifty'],
    ['AGENTKAVACH_BUDGET', 'daily:lots'],
    ['AGENTKAVACH_BUDGET', 'yearly:5'],
    ['AGENTKAVACH_BUDGET', 'tokens:5'],
    ['AGENTKAVACH_BUDGET', 'daily:5,'],
    ['AGENTKAVACH_BUDGET', 'daily:5:hourly'],
  ])('names the variable that can not be read: %s=%s', (variable, value) => {
    const read = (): unknown => withEnvironment({}, { [variable]: value });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(variable);
  });

  it.each([
    ['AGENTKAVACH_MODE', 'strict', /^AGENTKAVACH_MODE: mode must be one of 'hard', 'soft', 'observe', got "strict"/],
    ['AGENTKAVACH_WAIT_MS', '-1', /^AGENTKAVACH_WAIT_MS: waitMs must be/],
    ['AGENTKAVACH_MAX_CALLS_PER_RUN', '0', /^AGENTKAVACH_MAX_CALLS_PER_RUN: guardrails.maxCallsPerRun must be/],
    [
      'AGENTKAVACH_PRICES',
      '{"m":{"inputPerMillion":-3}}',
      /^AGENTKAVACH_PRICES: prices\["m"\].inputPerMillion must be/,
    ],
    ['AGENTKAVACH_ON_THRESHOLD', '{"0.8":{}}', /^AGENTKAVACH_ON_THRESHOLD: onThreshold\[0.8\].model must be/],
    ['AGENTKAVACH_BUDGET', 'daily:0', /^AGENTKAVACH_BUDGET: Budget.daily: the limit must be/],
  ])('names the variable whose value is refused: %s=%s', (variable, value, message) => {
    const read = (): unknown => readOptions({}, { ...BUDGET, [variable]: value });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ path: variable }));
  });

  it('names no variable where the code has set the option', () => {
    const environment = { ...BUDGET, AGENTKAVACH_MODE: 'hard', AGENTKAVACH_MAX_CALLS_PER_RUN: '3' };
    expect(() => readOptions({ mode: 'strict' as 'hard' }, environment)).toThrow(/^mode must be/);
    expect(() => readOptions({ guardrails: { maxCallsPerRun: 0 } }, environment)).toThrow(/^guardrails.maxCalls/);
    expect(() => readOptions({ waitMs: -1 }, environment)).toThrow(/^waitMs must be/);
  });

  it('says how budgets are written', () => {
    expect(() => withEnvironment({}, { AGENTKAVACH_BUDGET: 'fifty' })).toThrow(/daily:50/);
  });

  it('does not hide guardrails of the wrong kind', () => {
    for (const guardrails of [[], null, 5] as unknown as KavachOptions['guardrails'][]) {
      const given = withEnvironment({ budget: Budget.daily(1), guardrails }, { AGENTKAVACH_MAX_CALLS_PER_RUN: '3' });
      expect(() => checkOptions(given)).toThrow(/guardrails must be an object/);
    }
  });
});
