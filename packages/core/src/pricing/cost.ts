/** What a finished call cost: from the usage that the provider reported, exactly, rounded up once. */
import type { Usage, UsagePart } from '../call.ts';
import type { Nano } from '../money.ts';
import { ceilingPrice } from './ceiling.ts';
import { isContainerFee } from './fees.ts';
import { PicoSum } from './pico-sum.ts';
import type { Price } from './price-record.ts';
import type { Rates, Sheet } from './rates.ts';
import { tierOf } from './tier.ts';
import { tokenCount, tokensOrZero } from './usage-tokens.ts';

/**
 * The exact cost of one call in nano-dollars, rounded up once.
 *
 * Cache reads, cache writes and the rest are disjoint parts of the input; audio and images are kinds of it. A long
 * request pays its long-context rates for all of it. The tier is the one that the answer names; none: standard.
 *
 * A report that contradicts itself is charged for whichever is larger, the whole or the sum of its parts. A count
 * that is negative or no number counts as left out, and a whole that is left out is worth its parts: callers that
 * know a bound should charge that instead (see `tokenCount`).
 *
 * @param lookup finds the price of `usage.parts` that name another model; a part whose model it does not know is
 * charged at this price or the ceiling, whichever is dearer
 * @example costOf(price, { inputTokens: 1_000, outputTokens: 500 }) // 7_500_000 for gpt-4o: $0.0075
 */
export function costOf(price: Price, usage: Usage, lookup?: (model: string) => Price | undefined): Nano {
  const sum = new PicoSum();
  addUsage(sum, price, usage, usage.serviceTier);
  if (usage.parts !== undefined) {
    for (const part of usage.parts) addUsagePart(sum, price, part, usage.serviceTier, lookup);
  }
  return sum.nano();
}

function addUsagePart(
  sum: PicoSum,
  price: Price,
  part: UsagePart,
  callTier: string | undefined,
  lookup: ((model: string) => Price | undefined) | undefined,
): void {
  const tier = part.serviceTier ?? callTier;
  if (part.model === undefined || part.model === price.model) return addUsage(sum, price, part, tier);
  const own = lookup?.(part.model);
  if (own !== undefined) return addUsage(sum, own, part, tier);
  const ceiling = ceilingPrice(price.provider, part.model);
  addUsage(sum, costOf(ceiling, part) > costOf(price, part) ? ceiling : price, part, tier);
}

function addUsage(sum: PicoSum, price: Price, usage: UsagePart, tier: string | undefined): void {
  const sheet = tier === undefined ? price.sheet : answeredSheet(price, tier);
  const cacheReadAudio = tokensOrZero(usage.cacheReadAudioTokens);
  const cacheRead = Math.max(tokensOrZero(usage.cacheReadTokens), cacheReadAudio);
  const cacheWrite1h = tokensOrZero(usage.cacheWrite1hTokens);
  const cacheWrite = Math.max(tokensOrZero(usage.cacheWriteTokens), cacheWrite1h);
  const audio = Math.max(tokensOrZero(usage.inputAudioTokens), cacheReadAudio);
  const image = tokensOrZero(usage.inputImageTokens);
  const input = Math.max(tokensOrZero(usage.inputTokens), cacheRead + cacheWrite, audio + image);
  const rates = input > sheet.above ? sheet.long : sheet.short;

  sum.add(input - cacheRead - cacheWrite, rates.input);
  sum.add(cacheRead, rates.cacheRead);
  sum.add(cacheWrite - cacheWrite1h, rates.cacheWrite);
  sum.add(cacheWrite1h, rates.cacheWrite1h);
  sum.add(audio - cacheReadAudio, rates.audioExtra);
  sum.add(cacheReadAudio, rates.cacheReadAudioExtra);
  sum.add(image, rates.imageExtra);
  if (price.unstatedIsDearest) addUnstatedInput(sum, rates, usage, input - audio - image);

  if (price.kind !== 'embedding') addOutput(sum, price, rates, usage);
  if (price.perImage > 0) sum.add(tokenCount(usage.images) ?? (price.kind === 'image' ? 1 : 0), price.perImage);
  if (usage.toolCalls !== undefined) {
    for (const name in usage.toolCalls) sum.add(tokensOrZero(usage.toolCalls[name]), feeOf(price, name));
  }
}

/** Input of a kind that the report does not state. */
function addUnstatedInput(sum: PicoSum, rates: Rates, usage: UsagePart, rest: number): void {
  const image = tokenCount(usage.inputImageTokens) === undefined ? rates.imageExtra : 0;
  const audio =
    tokenCount(usage.inputAudioTokens) === undefined ? Math.max(rates.audioExtra, rates.cacheReadAudioExtra) : 0;
  sum.add(rest, Math.max(image, audio));
}

function addOutput(sum: PicoSum, price: Price, rates: Rates, usage: UsagePart): void {
  const reasoning = tokensOrZero(usage.reasoningTokens);
  const audio = tokensOrZero(usage.outputAudioTokens);
  const image = tokensOrZero(usage.outputImageTokens);
  const output = Math.max(tokensOrZero(usage.outputTokens), reasoning + audio + image);
  let rest = rates.output;
  if (price.unstatedIsDearest) {
    if (tokenCount(usage.outputAudioTokens) === undefined) rest = Math.max(rest, rates.outputAudio);
    if (tokenCount(usage.outputImageTokens) === undefined) rest = Math.max(rest, rates.outputImage);
  }
  sum.add(output - reasoning - audio - image, rest);
  sum.add(reasoning, rates.reasoning);
  sum.add(audio, rates.outputAudio);
  sum.add(image, rates.outputImage);
}

function answeredSheet(price: Price, tier: string): Sheet {
  return price.answered[tierOf(tier)] ?? price.sheet;
}

/** Pico-dollars for one call of a provider-run tool. */
export function feeOf(price: Price, name: string): number {
  const fee = Object.hasOwn(price.fees, name) ? price.fees[name] : undefined;
  return fee ?? (isContainerFee(name) ? price.otherContainerFee : price.otherFee);
}
