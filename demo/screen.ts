/** What the demo prints: one line for each call with the spend against the limit, and the figures at the end. */
import type { SpendEvent } from '@agentkavach/core';

const WIDTH = 30;
const isColoured = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;

/** Wraps a text in an ANSI colour where the output is a terminal. */
export function colour(code: 'red' | 'green' | 'yellow' | 'bold' | 'dim', text: string): string {
  const codes = { red: 31, green: 32, yellow: 33, bold: 1, dim: 2 };
  return isColoured ? `\u001b[${codes[code]}m${text}\u001b[0m` : text;
}

/** Dollars with as many decimals as the demo's amounts need. */
export function dollars(usd: number): string {
  return `$${usd.toFixed(6)}`;
}

/** A share of a budget as a bar. */
export function bar(share: number): string {
  const filled = Math.min(WIDTH, Math.round(share * WIDTH));
  const tint = share < 0.7 ? 'green' : share < 0.9 ? 'yellow' : 'red';
  return colour(tint, '█'.repeat(filled) + '░'.repeat(WIDTH - filled));
}

/** One call's line. */
export function callLine(number: number, event: SpendEvent, spent: number, limit: number): string {
  const share = spent / limit;
  const tokens = `${event.inputTokens ?? '?'} in, ${event.outputTokens ?? '?'} out`;
  return `  call ${String(number).padStart(2)}  ${tokens.padEnd(20)} ${dollars(event.usd)}   ${bar(share)} ${dollars(spent)} of ${dollars(limit)}  ${(share * 100).toFixed(0).padStart(3)} %`;
}
