import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Budget } from '../budget/budget.ts';
import { ConfigError } from '../errors.ts';
import { AgentKavach } from '../kavach.ts';
import { REQUEST } from '../testing/metered.ts';
import { checkOptions, type KavachOptions } from './options.ts';

let warn = vi.spyOn(console, 'warn');
beforeEach(() => void (warn = vi.spyOn(console, 'warn').mockImplementation(() => {})));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const BUDGET = Budget.daily(1);

function errorOf(options: unknown): ConfigError {
  try {
    new AgentKavach(options as KavachOptions);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the options were accepted');
}

describe('wrong options', () => {
  const outOfRange: [string, readonly unknown[]][] = [
    ['minOutputTokens', [0, -1, 1.5, 2e9]],
    ['outputShare', [0, -0.1, 1.01]],
    ['waitMs', [-1, 1e9]],
    ['maxCallSeconds', [0, -1, 1e6]],
    ['idleMs', [0, -1, 1e9]],
    ['cancelMarginTokens', [-1, 0.5]],
    ['guardrails.maxTokensPerRun', [0, -1, 1.5]],
    ['guardrails.maxCallsPerRun', [0, -1, 2.5]],
    ['guardrails.maxRuntimeSeconds', [0, -1, 1e9]],
    ['guardrails.maxToolCallsPerRun', [0, -1, 0.5]],
    ['guardrails.maxUsdPerMinute', [0, -1, 1e9]],
  ];
  const noNumbers = [Number.NaN, Number.POSITIVE_INFINITY, '5', null, true, {}, []];
  const numbers = outOfRange.flatMap(([path, values]) =>
    [...values, ...noNumbers].map((value) => [path, value] as const),
  );
  it.each(numbers)('%s: %j is refused with its path and an example', (path, value) => {
    const [group, key] = path.split('.') as [string, string | undefined];
    const options = key === undefined ? { [group]: value } : { [group]: { [key]: value } };
    const error = errorOf({ budget: BUDGET, ...options });
    expect(error.path).toBe(path);
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/example|at least|at most/);
  });

  it.each([
    ['agentName', ''],
    ['agentName', 5],
    ['agentName', 'a\nb'],
    ['agentName', 'x'.repeat(201)],
    ['mode', 'hrad'],
    ['mode', null],
    ['onUnknownUsage', 'free'],
    ['onInvalidKey', 'ignore'],
    ['onBackendUnavailable', true],
    ['onUnknownModel', 'allow'],
    ['onUnknownModel', null],
    ['onKill', 'exit'],
    ['channels', {}],
    ['clock', 5],
    ['clock', { now: () => 0 }],
    ['guardrails', []],
    ['guardrails', 5],
    ['prices', []],
    ['budget', null],
    ['budget', 50],
    ['budget', []],
  ])('%s: %j is refused', (path, value) => {
    const error = errorOf({ budget: BUDGET, [path]: value });
    expect(error.path).toBe(path);
    expect(error.message.length).toBeGreaterThan(30);
  });

  it.each([
    ['budget[1]', { budget: [BUDGET, 50] }],
    ['prices["m"].inputPerMillion', { prices: { m: { inputPerMillion: -3, outputPerMillion: 1 } } }],
    ['prices["m"].outputPerMillion', { prices: { m: { inputPerMillion: 3 } } }],
    ['onUnknownModel.inputPerMillion', { onUnknownModel: {} }],
    ['channels[0].threshold', { channels: [{ type: 'kill', threshold: 80 }] }],
    [
      'channels[1].type',
      {
        channels: [
          { type: 'kill', threshold: 0.8 },
          { type: 'fax', threshold: 0.8 },
        ],
      },
    ],
    ['channels[0].budgetType', { channels: [{ type: 'kill', threshold: 0.8, budgetType: 'usd' }] }],
  ])('names the place inside: %s', (path, options) => {
    expect(errorOf({ budget: BUDGET, ...options }).path).toContain(path);
  });

  it.each([
    [{ agentname: 'x' }, /agentname.*Did you mean agentName\?/],
    [{ budgets: BUDGET }, /budgets.*Did you mean budget\?/],
    [{ guardrails: { maxCallPerRun: 3 } }, /guardrails\.maxCallPerRun.*Did you mean maxCallsPerRun\?/],
    [{ somethingElse: 1 }, /somethingElse.*Known:.*agentName/],
    [{ channels: [{ type: 'kill', treshold: 0.5 }] }, /treshold.*Did you mean threshold\?/],
  ])('says what an unknown option may mean: %j', (options, message) => {
    expect(errorOf({ budget: BUDGET, ...options }).message).toMatch(message);
  });

  it.each([null, 'x', 5, [], () => ({})])('refuses %j in place of the options', (options) => {
    expect(errorOf(options).path).toBe('options');
  });

  const secrets = [
    `ak_dev_${'a1B2'.repeat(8)}`,
    `sk-proj-${'a1B2'.repeat(20)}`,
    `AIza${'a1B2x'.repeat(7)}`,
    'a1B2'.repeat(8),
  ];
  it.each(secrets)('never shows what may be a secret: %s', (secret) => {
    const wrong = [secret, [secret], { mode: secret }, { budget: secret }, { guardrails: secret }, { idleMs: secret }];
    const more = [{ onKill: secret }, { clock: { key: secret } }, { agentName: [secret] }];
    for (const options of [...wrong, ...more, { apiKey: `${secret}!`, onInvalidKey: 'throw' }])
      expect(errorOf(options).message).not.toContain(secret);
  });
});

describe('the defaults', () => {
  it('work with nothing, and say the default budget once however many guards are made', async () => {
    vi.resetModules(); // another process
    const { AgentKavach } = await import('../kavach.ts');
    const guard = new AgentKavach();
    for (let i = 0; i < 20; i++) new AgentKavach({ agentName: `agent-${i}` });
    const messages = warn.mock.calls.map(([message]) => String(message));
    expect(messages.filter((message) => message.includes('Budget.daily(100)'))).toHaveLength(1);
    expect(guard.status()).toMatchObject({ agentName: 'default', mode: 'hard' });
    expect(guard.status().budgets).toMatchObject([{ id: 'daily', limit: 100, scope: 'agent' }]);
    const request = { ...REQUEST, provider: 'openai', model: 'gpt-4o' };
    await expect(
      guard.call(request, async () => ({ value: 1, usage: { inputTokens: 1, outputTokens: 1 } })),
    ).resolves.toBe(1);
  });

  it('treat undefined as left out', () => {
    const guard = new AgentKavach({ budget: BUDGET, mode: undefined, guardrails: { maxCallsPerRun: undefined } });
    expect(guard.status().mode).toBe('hard');
  });
});

describe('pooled budgets', () => {
  const key = `ak_prod_${'x'.repeat(32)}`;
  const pool = (name: string): Budget => Budget.shared(name, { limit: 1, period: 'daily' });
  const reply = async () => ({ value: 'ok', usage: { inputTokens: 1, outputTokens: 1 } });
  const request = { ...REQUEST, provider: 'openai', model: 'gpt-4o' };

  it('pool within the process and say so once', async () => {
    const guards = ['p1', 'p2'].map((name) => new AgentKavach({ budget: pool(name) }));
    await expect(guards[0]!.call(request, reply)).resolves.toBe('ok');
    expect(warn.mock.calls.filter(([message]) => String(message).includes('pooled within this process'))).toHaveLength(
      1,
    );
  });

  it('refuse with a key and no backend under hard, unless told to pool locally', async () => {
    const refusing = new AgentKavach({ apiKey: key, budget: pool('p3') });
    await expect(refusing.call(request, reply)).rejects.toMatchObject({
      scope: 'shared',
      message: /onBackendUnavailable/,
    });
    const local = new AgentKavach({ apiKey: key, budget: pool('p3'), onBackendUnavailable: 'local' });
    await expect(local.call(request, reply)).resolves.toBe('ok');
    for (const mode of ['soft', 'observe'] as const) {
      const guard = new AgentKavach({ apiKey: key, budget: pool('p3'), mode });
      await expect(guard.call(request, reply)).resolves.toBe('ok');
    }
  });
});

describe('the backend', () => {
  const apiKey = `ak_dev_${'a'.repeat(44)}`;

  it('needs a key and an address', () => {
    expect(checkOptions({ apiKey, url: 'https://ref.supabase.co' }).backend).toEqual({
      url: 'https://ref.supabase.co',
      apiKey,
    });
    expect(checkOptions({ url: 'https://ref.supabase.co' }).backend).toBeUndefined();
    expect(checkOptions({ apiKey }).backend).toBeUndefined();
  });

  it.each([
    ['http://example.com', /https/],
    ['https://user:secret@example.com', /user name or a password/],
    ['https://example.com/?key=secret', /query/],
    ['example.com', /address/],
    [42, /text/],
  ])('is not reached at %s', (url, message) => {
    const make = (): unknown => checkOptions({ apiKey, url: url as string });
    expect(make).toThrow(message);
    expect(make).not.toThrow(/secret/);
  });
});
