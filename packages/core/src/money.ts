/**
 * Money is integer nano-dollars (1e-9 USD) in JavaScript numbers: exact up to nine million dollars, and cheap to add.
 * Dollars appear only at the edges, where a person writes or reads them.
 */
import { ConfigError } from './errors.ts';
import { show } from './show.ts';

/** An integer amount of nano-dollars. */
export type Nano = number;

/** Nano-dollars in one dollar. */
export const NANO_PER_USD = 1_000_000_000;

/** The largest amount that stays exact: 9,000,000 USD. */
export const MAX_USD = 9_000_000;

/**
 * Dollars as nano-dollars, rounded to the nearest nano-dollar.
 *
 * @param usd dollars, finite, from 1e-9 to 9,000,000
 * @param path the option's name, for the error
 * @throws ConfigError when the amount is not a positive number of dollars that can be kept exactly
 * @example usdToNano(0.05, 'budget') // 50_000_000
 */
export function usdToNano(usd: number, path: string): Nano {
  if (typeof usd !== 'number' || !Number.isFinite(usd)) {
    throw new ConfigError(`${path} must be a number of US dollars, got ${show(usd)}. Write for example 50 for $50.`, {
      path,
    });
  }
  const nano = Math.round(usd * NANO_PER_USD);
  if (nano <= 0) {
    throw new ConfigError(
      `${path} must be more than zero dollars (at least 0.000000001), got ${show(usd)}. To stop all calls, use guard.kill().`,
      { path },
    );
  }
  if (usd > MAX_USD) {
    throw new ConfigError(`${path} must be at most ${MAX_USD.toLocaleString('en-US')} dollars, got ${show(usd)}.`, {
      path,
    });
  }
  return nano;
}

/** Nano-dollars as dollars: the double nearest to the exact amount. */
export function nanoToUsd(nano: Nano): number {
  return nano / NANO_PER_USD;
}

/**
 * Dollars for a person: two decimals, more where two would hide the amount.
 *
 * @example formatUsd(50_000_000) // '$0.05'
 * @example formatUsd(1_234) // '$0.000001234'
 */
export function formatUsd(nano: Nano): string {
  const sign = nano < 0 ? '-' : '';
  const digits = Math.abs(nano).toString().padStart(10, '0');
  const whole = digits.slice(0, -9).replace(/\B(?=(\d{3})+$)/g, ',');
  const decimals = digits.slice(-9).replace(/0+$/, '').padEnd(2, '0');
  return `${sign}$${whole}.${decimals}`;
}
