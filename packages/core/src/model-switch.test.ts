import { afterEach, describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { CallRequest } from './call.ts';
import { ConfigError } from './errors.ts';
import { AgentKavach } from './kavach.ts';
import type { KavachOptions } from './config/options.ts';

afterEach(() => void vi.restoreAllMocks());

const REQUEST: CallRequest = {
  provider: 'openai',
  model: 'gpt-4o',
  inputTokens: 10,
  maxOutputTokens: 10,
  canSwitchModel: true,
};

function guardWith(options: KavachOptions = {}) {
  return new AgentKavach({ budget: Budget.total(1), onThreshold: { 0.5: { model: 'gpt-4o-mini' } }, ...options });
}

async function asked(guard: AgentKavach, request: CallRequest = REQUEST) {
  return guard.call(request, async ({ model, maxOutputTokens }) => ({
    value: { model, maxOutputTokens },
    usage: { inputTokens: 1, outputTokens: 1 },
  }));
}

describe('onThreshold', () => {
  it('asks the other model from its share on, and prices the call by it', async () => {
    const guard = guardWith();
    expect((await asked(guard)).model).toBe('gpt-4o');
    guard.charge(0.5, 'before');
    const spent: number[] = [];
    guard.on('spend', ({ usd }) => void spent.push(usd));
    expect((await asked(guard)).model).toBe('gpt-4o-mini');
    expect(spent).toEqual([0.00000075]);
  });

  it('takes the highest share that is reached', async () => {
    const guard = guardWith({ onThreshold: { 0.5: { model: 'gpt-4o-mini' }, 0.9: { model: 'gpt-4.1-nano' } } });
    guard.charge(0.6, 'before');
    expect((await asked(guard)).model).toBe('gpt-4o-mini');
    guard.charge(0.35, 'more');
    expect((await asked(guard)).model).toBe('gpt-4.1-nano');
  });

  it('goes back when the limit is raised', async () => {
    const guard = guardWith();
    guard.charge(0.5, 'before');
    guard.setLimit('total', 10);
    expect((await asked(guard)).model).toBe('gpt-4o');
  });

  it('lowers a cap above the other model’s', async () => {
    const guard = guardWith({ budget: Budget.total(1_000) });
    guard.charge(500, 'before');
    const request = { ...REQUEST, model: 'gpt-5', maxOutputTokens: 100_000, canClampOutput: true };
    expect(await asked(guard, request)).toEqual({ model: 'gpt-4o-mini', maxOutputTokens: 16_384 });
  });

  it('leaves a call that can’t be switched as it is, and says so once', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const guard = guardWith({ agentName: 'fixed-model' });
    guard.charge(0.5, 'before');
    const { canSwitchModel: _, ...fixed } = REQUEST;
    expect((await asked(guard, fixed)).model).toBe('gpt-4o');
    expect((await asked(guard, fixed)).model).toBe('gpt-4o');
    expect(
      warn.mock.calls
        .flat()
        .join('\n')
        .match(/fixed-model: 50 % of a budget is spent/g),
    ).toHaveLength(1);
  });

  it('changes nothing under observe', async () => {
    const guard = guardWith({ mode: 'observe' });
    guard.charge(0.5, 'before');
    expect((await asked(guard)).model).toBe('gpt-4o');
  });

  it.each([
    [{ x: { model: 'm' } }, 'onThreshold'],
    [{ 2: { model: 'm' } }, 'onThreshold[2]'],
    [{ 0.8: { modl: 'm' } }, 'onThreshold[0.8].modl'],
    [{ 0.8: {} }, 'onThreshold[0.8].model'],
    ['gpt-4o-mini', 'onThreshold'],
  ])('refuses %j', (onThreshold, path) => {
    const make = () => guardWith({ onThreshold: onThreshold as never });
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(expect.objectContaining({ path }));
  });

  describe('to a model without a price', () => {
    const unknown = { onThreshold: { 0.5: { model: 'gpt-4o-mini' }, 0.8: { model: 'gpt-4o-mni' } } };
    const price = { inputPerMillion: 1, outputPerMillion: 2 };

    it('is refused before any call, with the field and what to do', () => {
      const make = () => guardWith(unknown);
      expect(make).toThrow(ConfigError);
      expect(make).toThrow(expect.objectContaining({ path: 'onThreshold[0.8].model' }));
      expect(make).toThrow(/"gpt-4o-mni".+once that share of a budget is spent.+prices: \{ "gpt-4o-mni"/);
    });

    it.each<[string, KavachOptions]>([
      ['a price of its own', { prices: { 'gpt-4o-mni': price } }],
      ['one for a provider', { prices: { 'house/gpt-4o-mni': price } }],
      ['a ceiling for unknown models', { onUnknownModel: 'ceiling' }],
      ['a price for unknown models', { onUnknownModel: price }],
      ['a guard that only watches', { mode: 'observe' }],
    ])('is taken with %s', (_, options) => {
      expect(() => guardWith({ ...unknown, ...options })).not.toThrow();
    });

    it.each([
      'claude-haiku-4-5',
      'gemini-2.5-flash-lite',
      'mistral-small-latest',
      'us.anthropic.claude-haiku-4-5-20251001-v1:0',
      'openai/gpt-4o-mini',
      'models/gemini-2.5-flash',
    ])('is not %s, whoever is asked', (model) => {
      expect(() => guardWith({ onThreshold: { 0.5: { model } } })).not.toThrow();
    });
  });
});
