import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from './errors.ts';
import { formatUsd, MAX_USD, NANO_PER_USD, nanoToUsd, usdToNano } from './money.ts';

const MAX_NANO = MAX_USD * NANO_PER_USD;
const amounts = fc.integer({ min: 1, max: MAX_NANO });
/** Up to here a double of dollars tells all nano-dollars apart (2^22 dollars). */
const exactInDollars = fc.integer({ min: 1, max: 4_194_304 * NANO_PER_USD });

function decimalOf(nano: number): number {
  return Number(`${Math.floor(nano / NANO_PER_USD)}.${(nano % NANO_PER_USD).toString().padStart(9, '0')}`);
}

function refusal(value: unknown): ConfigError {
  try {
    usdToNano(value as number, 'budget');
  } catch (error) {
    if (ConfigError.isInstance(error)) return error;
    throw error;
  }
  throw new Error(`usdToNano took ${typeof value}`);
}

describe('dollars as nano-dollars', () => {
  it('keeps what nine decimals can write, exactly up to four million dollars', () => {
    fc.assert(
      fc.property(exactInDollars, (nano) => {
        expect(usdToNano(decimalOf(nano), 'x')).toBe(nano);
        expect(usdToNano(nanoToUsd(nano), 'x')).toBe(nano);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is off by no more than a nano-dollar above', () => {
    fc.assert(
      fc.property(amounts, (nano) => {
        expect(Math.abs(usdToNano(decimalOf(nano), 'x') - nano)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('does not drift where floating dollars would', () => {
    expect(usdToNano(0.1, 'x') + usdToNano(0.2, 'x')).toBe(usdToNano(0.3, 'x'));
    let sum = 0;
    for (let i = 0; i < 1_000; i++) sum += usdToNano(0.001, 'x');
    expect(sum).toBe(usdToNano(1, 'x'));
  });

  it('takes the smallest and the largest amount', () => {
    expect(usdToNano(1e-9, 'x')).toBe(1);
    expect(usdToNano(MAX_USD, 'x')).toBe(MAX_NANO);
    expect(Number.isSafeInteger(MAX_NANO)).toBe(true);
  });

  it.each([
    ['zero', 0],
    ['minus zero', -0],
    ['less than a nano-dollar', 1e-10],
    ['negative', -5],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    ['a text', '50'],
    ['a text with a sign', '$50'],
    ['an empty text', ''],
    ['undefined', undefined],
    ['null', null],
    ['a boolean', true],
    ['a bigint', 50n],
    ['an object', { usd: 50 }],
    ['an object without a prototype', Object.create(null)],
    ['an array', [50]],
    ['a symbol', Symbol('50')],
    ['a function', () => 50],
    ['more than nine million', 9_000_000.01],
    ['the largest double', Number.MAX_VALUE],
  ])('refuses %s, naming the option and what to write', (_what, value) => {
    const error = refusal(value);
    expect(error.path).toBe('budget');
    expect(error.message).toMatch(/^budget must be /);
    expect(error.message).toMatch(/dollars/);
    expect(error.message).toMatch(/, got /);
  });

  it('says how to stop all calls where someone wrote zero', () => {
    expect(refusal(0).message).toContain('guard.kill()');
  });

  it('shows no content of an object: it may be a secret', () => {
    expect(refusal({ toString: () => 'sk-secret' }).message).not.toContain('sk-secret');
    expect(refusal(['sk-secret']).message).not.toContain('sk-secret');
  });
});

describe('dollars for a person', () => {
  it.each([
    [0, '$0.00'],
    [1, '$0.000000001'],
    [1_234, '$0.000001234'],
    [50_000_000, '$0.05'],
    [100_000_000, '$0.10'],
    [1_000_000_000, '$1.00'],
    [1_234_567_890_000, '$1,234.56789'],
    [MAX_NANO, '$9,000,000.00'],
    [-50_000_000, '-$0.05'],
  ])('writes %d as %s', (nano, text) => {
    expect(formatUsd(nano)).toBe(text);
  });

  it('writes every amount so that it reads back exactly', () => {
    fc.assert(
      fc.property(amounts, (nano) => {
        const [whole = '', decimals = ''] = formatUsd(nano).replace(/[$,]/g, '').split('.');
        expect(Number(whole) * NANO_PER_USD + Number(decimals.padEnd(9, '0'))).toBe(nano);
        expect(decimals.length).toBeGreaterThanOrEqual(2);
      }),
    );
  });
});
