/**
 * The worst case of a call, and the largest output that a sum of money pays for. Both run before every call: plain
 * numbers, no allocation; BigInt only for sums that a number can't hold exactly.
 */
import type { PriceHints } from '../call.ts';
import type { Nano } from '../money.ts';
import { feeOf } from './cost.ts';
import { bigPicoToNano, picoToNano } from './pico-sum.ts';
import type { Price } from './price-record.ts';
import { EXACT, MAX_TOKENS, PICO_PER_NANO, type Rates } from './rates.ts';
import { tierOf } from './tier.ts';
import { tokensOrZero } from './usage-tokens.ts';

/** Far above what any provider allows, and low enough that cap times answers stays exact. */
const MAX_ANSWERS = 1_000_000;

/**
 * An upper bound in nano-dollars for every usage that can result: at most `inputTokens` of input, at most
 * `outputTokens` in each answer, and what the hints allow besides. It covers any split into cache reads and writes,
 * audio, images (unless the hints say that there is only text) and reasoning, long-context rates, and a provider that serves another tier than the one asked for.
 *
 * @param inputTokens an upper bound of the input
 * @param outputTokens the output cap of one answer
 * @example worstCost(price, 1_000, 500) // 7_500_000 for gpt-4o
 */
export function worstCost(price: Price, inputTokens: number, outputTokens: number, hints?: PriceHints): Nano {
  const input = bound(inputTokens);
  const rates = worstRates(price, input, hints);
  const output = worstOutput(price, bound(outputTokens), hints);
  const inputRate = worstInputRate(price, rates, hints);
  const perToken = outputRate(price, rates);
  const extras = extrasOf(price, hints);
  const pico = input * inputRate + output * perToken + extras;
  if (pico <= EXACT) return picoToNano(pico);
  return bigPicoToNano(BigInt(input) * BigInt(inputRate) + BigInt(output) * BigInt(perToken) + BigInt(extras));
}

/**
 * The largest output cap `t` with `worstCost(price, inputTokens, t, hints) <= room`: -1 if not even an answer
 * without output fits, Infinity if output costs nothing or there is room for any.
 *
 * @param room nano-dollars
 */
export function affordableOutput(price: Price, inputTokens: number, room: Nano, hints?: PriceHints): number {
  if (room >= Number.MAX_SAFE_INTEGER) return Infinity;
  const input = bound(inputTokens);
  const rates = worstRates(price, input, hints);
  const inputRate = worstInputRate(price, rates, hints);
  const perToken = outputRate(price, rates);
  const extras = extrasOf(price, hints);
  // In pico-dollars: what there is, what is spent whatever the cap, and what each token of the cap costs.
  const available = Math.floor(room) * PICO_PER_NANO;
  const fixed = input * inputRate + extras;
  const least = fixed + worstOutput(price, 0, hints) * perToken;
  const each = perToken * answers(hints);
  if (available > EXACT || least > EXACT || each > EXACT) return affordableBig(price, input, room, hints);
  if (!(available >= least)) return -1;
  if (each === 0) return Infinity;
  // Both are whole and below 2^53, so rounding the quotient can't carry it over the next whole number.
  const tokens = Math.floor((available - fixed) / each);
  return tokens >= MAX_TOKENS ? Infinity : tokens;
}

function affordableBig(price: Price, input: number, room: Nano, hints: PriceHints | undefined): number {
  if (!(room >= worstCost(price, input, 0, hints))) return -1;
  const rates = worstRates(price, input, hints);
  const each = BigInt(outputRate(price, rates)) * BigInt(answers(hints));
  if (each === 0n) return Infinity;
  const available = BigInt(Math.floor(room)) * BigInt(PICO_PER_NANO);
  const fixed = BigInt(input) * BigInt(worstInputRate(price, rates, hints)) + BigInt(extrasOf(price, hints));
  const tokens = (available - fixed) / each;
  return tokens >= BigInt(MAX_TOKENS) ? Infinity : Number(tokens);
}

/** A bound that is no usable number is the largest there is: nothing may become free by a bad argument. */
function bound(tokens: number): number {
  return tokens >= 0 && tokens < MAX_TOKENS ? Math.ceil(tokens) : tokens < 0 ? 0 : MAX_TOKENS;
}

function worstRates(price: Price, input: number, hints: PriceHints | undefined): Rates {
  const tier = hints?.serviceTier;
  const sheet = tier === undefined ? price.sheet : (price.asked[tierOf(tier)] ?? price.sheet);
  return input > sheet.above ? sheet.long : sheet.short;
}

function worstInputRate(price: Price, rates: Rates, hints: PriceHints | undefined): number {
  const write = hints?.cacheWrite;
  // Models that make speech or images are charged at the dearest kind when the report does not state it.
  if (hints?.textOnly === true && !price.unstatedIsDearest) {
    if (write === 'none') return rates.worstText;
    return write === '5m' ? rates.worstText5m : rates.worstText1h;
  }
  if (write === 'none') return rates.worstInput;
  return write === '5m' ? rates.worstInput5m : rates.worstInput1h;
}

function outputRate(price: Price, rates: Rates): number {
  return price.kind === 'embedding' ? 0 : rates.worstOutput;
}

/** Every answer may be as long as the cap, and every image as large as images get. */
function worstOutput(price: Price, cap: number, hints: PriceHints | undefined): number {
  const output = cap * answers(hints);
  return price.imageTokens === 0 ? output : Math.max(output, imagesOf(price, hints) * price.imageTokens);
}

function answers(hints: PriceHints | undefined): number {
  const candidates = hints?.candidates;
  return candidates === undefined ? 1 : Math.min(MAX_ANSWERS, Math.max(1, bound(candidates)));
}

function imagesOf(price: Price, hints: PriceHints | undefined): number {
  const images = hints?.images;
  if (images !== undefined) return bound(images);
  return price.kind === 'image' ? answers(hints) : 0;
}

/** What does not depend on tokens: images at a price each, and tool fees. */
function extrasOf(price: Price, hints: PriceHints | undefined): number {
  let pico = 0;
  if (price.perImage > 0) pico = imagesOf(price, hints) * price.perImage;
  const calls = hints?.toolCalls;
  if (calls !== undefined) for (const name in calls) pico += tokensOrZero(calls[name]) * feeOf(price, name);
  // Beyond the exact range the products may have been rounded down; a bound must not be.
  return pico > EXACT ? pico * (1 + 8 * Number.EPSILON) : pico;
}
