import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Budget } from '../budget/budget.ts';
import { ConfigError } from '../errors.ts';
import { AgentKavach } from '../kavach.ts';
import { REQUEST } from '../testing/metered.ts';
import { readKey } from './key.ts';

let warn = vi.spyOn(console, 'warn');
beforeEach(() => void (warn = vi.spyOn(console, 'warn').mockImplementation(() => {})));
afterEach(() => void vi.restoreAllMocks());

const BODY = 'aB3'.repeat(11); // 33 characters

describe('an API key', () => {
  it.each([`ak_prod_${BODY}`, `ak_dev_${BODY}`, `ak_prod_${'x'.repeat(32)}`, `ak_dev_${'9'.repeat(64)}`])(
    'may be %s',
    (key) => {
      expect(readKey(key, 'throw', 'bot')).toBe('keyed');
    },
  );

  const malformed: unknown[] = [
    '',
    ' ',
    null,
    5,
    {},
    BODY,
    `ak_test_${BODY}`,
    `AK_PROD_${BODY}`,
    `ak_prod_${'x'.repeat(31)}`,
    `ak_prod_${'x'.repeat(65)}`,
    `ak_prod_${'x'.repeat(32)}-`,
    `ak_prod_${BODY}\n`,
    ` ak_prod_${BODY}`,
    `ak_prod_${'é'.repeat(32)}`,
  ];
  it.each(malformed)('is malformed: %j', (key) => {
    expect(() => readKey(key, 'throw', 'bot')).toThrow(ConfigError);
    expect(readKey(key, 'enforce', 'bot')).toBe('local');
    expect(readKey(key, 'passthrough', 'bot')).toBe('passthrough');
    if (typeof key === 'string' && key.length > 8)
      for (const [message] of warn.mock.calls) expect(message).not.toContain(key.trim());
  });

  it('left out enforces locally, without a word', () => {
    expect(readKey(undefined, 'throw', 'bot')).toBe('local');
    expect(warn).not.toHaveBeenCalled();
  });
});

describe('a malformed key', () => {
  const call = (guard: AgentKavach): Promise<string> =>
    guard.call({ ...REQUEST, provider: 'openai', model: 'gpt-4o' }, async () => ({ value: 'ok' }));
  const budget = Budget.total(0.000001);

  it('names no limit beside the warning that there is none', () => {
    expect(new AgentKavach({ apiKey: '', agentName: 'off' }).status().backend.state).toBe('passthrough');
    expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(/THE GUARD IS OFF/)]);
  });

  it('switches the guard off by default, with one loud warning', async () => {
    const onKill = vi.fn();
    const guard = new AgentKavach({ apiKey: '', budget, onKill, guardrails: { maxCallsPerRun: 1 } });
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]![0]).toMatch(/THE GUARD IS OFF/);
    for (let i = 0; i < 3; i++) await expect(call(guard)).resolves.toBe('ok');
    const stream = await guard.stream(REQUEST, async () => ({ stream: new Blob(['x']).stream(), meter: () => {} }));
    for await (const chunk of stream) expect(chunk.length).toBe(1);
    guard.charge(5, 'tool');
    expect(onKill).not.toHaveBeenCalled();
    expect(guard.status().backend.state).toBe('passthrough');
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0, reserved: 0 });
    expect(guard.canStartCall()).toBe(true);
  });

  it("is an error under onInvalidKey: 'throw'", () => {
    expect(() => new AgentKavach({ apiKey: 'x', onInvalidKey: 'throw', budget })).toThrow(ConfigError);
  });

  it("leaves the limits on under onInvalidKey: 'enforce'", async () => {
    const guard = new AgentKavach({ apiKey: 'x', onInvalidKey: 'enforce', budget });
    expect(warn).toHaveBeenCalledOnce();
    await expect(call(guard)).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED' });
  });
});
