/** What a call is charged: by the usage that its provider reported, or by what its stream showed. */
import type { Usage } from './call.ts';
import type { Claim } from './claim.ts';
import type { CallOutcome } from './events.ts';
import { isCount, isReported, knownUsage } from './outcome.ts';
import { costOf, worstCost, type Price } from './pricing/price.ts';
import { sayUnread } from './unread-usage.ts';

/** What a call is charged in the end. */
export interface Charge {
  readonly outcome: CallOutcome;
  readonly usd: number;
  readonly tokens: number;
  readonly calls: number;
  readonly estimated: boolean;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

/** A request that the provider refused, or never got. */
export function released(sent: boolean): Charge {
  return {
    outcome: 'released',
    usd: 0,
    tokens: 0,
    calls: sent ? 1 : 0,
    estimated: false,
    inputTokens: undefined,
    outputTokens: undefined,
  };
}

/** All that the call holds. */
export function wholeReservation({ usd, tokens, inputBound }: Claim, outcome: CallOutcome): Charge {
  return {
    outcome,
    usd,
    tokens,
    calls: 1,
    estimated: true,
    inputTokens: inputBound,
    outputTokens: tokens - inputBound,
  };
}

/** The input bound and some output, never more than the call holds. */
export function partOfReservation(claim: Claim, outputTokens: number, outcome: CallOutcome): Charge {
  const inputTokens = claim.inputBound;
  const usd = Math.min(claim.usd, worstCost(claim.price, inputTokens, outputTokens, claim.request));
  const tokens = Math.min(claim.tokens, inputTokens + outputTokens);
  return { outcome, usd, tokens, calls: 1, estimated: true, inputTokens, outputTokens };
}

/**
 * The charge for a reported usage. What it leaves out is charged by its bound.
 *
 * @param priceOf the price of a model by its name
 * @returns `undefined` when nothing that can be priced was reported
 */
export function chargeFor(
  claim: Claim,
  usage: Usage | undefined,
  answeringModel: string | undefined,
  priceOf: (model: string) => Price,
): Charge | undefined {
  try {
    if (!isReported(usage)) return void sayUnread(usage);
    const price = answeringModel === undefined ? claim.price : priceOf(answeringModel);
    const charge = priced(claim, knownUsage(usage), price, priceOf);
    if (charge.estimated) sayUnread(usage);
    if (claim.conversation !== undefined && price === claim.price) learn(claim, charge);
    return charge;
  } catch {
    return undefined; // a report that can't be read is none
  }
}

/** Remembers what the conversation was billed, or its bound where that was left out; not the sum of several requests. */
function learn({ conversation, prefixes }: Claim, { tokens, inputTokens = 0, outputTokens = 0 }: Charge): void {
  if (conversation !== undefined && tokens === inputTokens + outputTokens)
    void prefixes?.learn(conversation, inputTokens);
}

/**
 * A usage together with what inner layers reported. A layer of the same request reports the same figures; others show
 * that the callback has sent a request of its own beside the one that the inner layer sent.
 */
export function withInner(usage: Usage | undefined, inner: readonly Usage[] | undefined): Usage | undefined {
  if (inner === undefined) return usage;
  const own = usage ?? inner[0]; // who gets no figures itself relies on those of the layer inside
  if (own === undefined) return undefined;
  const others = inner.filter(
    ({ inputTokens, outputTokens }) => inputTokens !== own.inputTokens || outputTokens !== own.outputTokens,
  );
  return others.length === 0 ? own : { ...own, parts: [...(own.parts ?? []), ...others] };
}

function priced(claim: Claim, known: Usage, price: Price, priceOf: (model: string) => Price): Charge {
  const isPaidByImage = price.kind === 'image' && price.imageTokens === 0 && known.images !== undefined;
  const isInputKnown = known.inputTokens !== undefined || isPaidByImage;
  const isOutputKnown = known.outputTokens !== undefined || isPaidByImage || price.kind === 'embedding';
  const inputTokens = isInputKnown ? known.inputTokens : claim.inputBound;
  const outputTokens = isOutputKnown ? known.outputTokens : claim.tokens - claim.inputBound;
  const estimated = !isInputKnown || !isOutputKnown;
  let usd = costOf(price, estimated ? { ...known, inputTokens, outputTokens } : known, priceOf);
  if (estimated) {
    // What was left out may have been of the dearest kind.
    const perAnswer = Math.ceil((outputTokens ?? 0) / (claim.request.candidates ?? 1));
    usd = Math.max(usd, Math.min(claim.usd, worstCost(price, inputTokens ?? 0, perAnswer, claim.request)));
  }
  const tokens = (inputTokens ?? 0) + (outputTokens ?? 0) + tokensOf(known.parts);
  return { outcome: 'completed', usd, tokens, calls: 1, estimated, inputTokens, outputTokens };
}

/** Tokens that are billed beside the call's own. */
function tokensOf(parts: Usage['parts']): number {
  if (parts === undefined) return 0;
  let tokens = 0;
  for (const { inputTokens, outputTokens } of parts) {
    tokens += (isCount(inputTokens) ? inputTokens : 0) + (isCount(outputTokens) ? outputTokens : 0);
  }
  return tokens;
}
