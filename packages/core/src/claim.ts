/**
 * A Claim is what one call wants to hold: its worst case in each unit, and the output cap that goes with it. It knows
 * how to shrink that cap to what the budgets have room for.
 */
import { conversationOf, type BilledPrefixes, type Conversation } from './billed-prefixes.ts';
import { amountIn, blocker, type Amounts } from './budget/ledger.ts';
import type { Account } from './budget/pool.ts';
import type { CallRequest } from './call.ts';
import { boundOf, bytesOf, keptIn } from './input-bound.ts';
import { mayReasonUnseen } from './pricing/hidden-output.ts';
import { affordableOutput, worstCost, type Price } from './pricing/price.ts';
import { lacksTokenizer, sharpBound } from './pricing/sharpen.ts';

/** The input bound of a request that does not show its input, for a model whose context window is not known. */
const UNKNOWN_WINDOW = 1_000_000;

/** The output cap that is assumed where nobody knows the model's. */
const UNKNOWN_MAX_OUTPUT = 4_096;

/** No tokenizer puts more bytes than this into a token of ordinary text; only decides whether counting is worth a try. */
const MOST_BYTES_PER_TOKEN = 64;

/** What a request may add to its worst case besides input and cap. */
const ADDED = ['extraOutputTokens', 'candidates', 'images', 'inputRounds'] as const;

/** The options that decide how much a call holds. */
export interface ClaimPolicy {
  readonly mode: 'hard' | 'soft' | 'observe';
  readonly minOutputTokens: number;
  readonly outputShare: number;
}

/** How exactly the input is bounded: from its length, its bytes, or a tokenizer. */
type Rung = 'length' | 'bytes' | 'tokens';

/** What one call wants to hold. */
export class Claim implements Amounts {
  usd = 0;
  tokens = 0;
  readonly calls = 1;
  /** The least that the call can do with, as of the last {@link fit}. */
  least: Amounts = this;
  /** The output cap that the amounts stand for, in tokens of one answer. */
  cap = 0;
  /** An upper bound of the input in tokens. */
  inputBound: number;
  /** Monotonic place in the order of arrival, once the call has had to wait. */
  order = Number.POSITIVE_INFINITY;
  /** What the call asks, where its first bound was too high: for the next one that goes on with it. */
  conversation: Conversation | undefined;
  #rung: Rung = 'length';
  /** The length bound that the claim rests on; a caller may change its messages while the call waits or runs. */
  #lengthBound = 0;
  /** The same in bytes, once these are what the claim rests on: texts of one length may have more of them. */
  #byteBound = Number.POSITIVE_INFINITY;

  constructor(
    readonly request: CallRequest,
    readonly price: Price,
    readonly policy: ClaimPolicy,
    readonly prefixes?: BilledPrefixes,
  ) {
    const { input, inputTokens } = request;
    const isShown = inputTokens !== undefined || input !== undefined;
    if (isShown) this.#lengthBound = boundOf(request);
    this.inputBound = this.#held(isShown ? this.#lengthBound : (price.maxInputTokens ?? UNKNOWN_WINDOW));
  }

  /** Whether a lower output cap would reach the provider. */
  get clampable(): boolean {
    return this.request.canClampOutput === true && this.policy.mode === 'hard' && this.price.kind === 'text';
  }

  /** Whether what a stream shows is less than what it bills. */
  get hidesOutput(): boolean {
    const { hidesOutput, extraOutputTokens = 0, provider, model } = this.request;
    return hidesOutput ?? (extraOutputTokens > 0 || mayReasonUnseen(provider, model));
  }

  /** The cap to send: ours where we set or lowered it, else the caller's. */
  get capToSend(): number | undefined {
    return this.clampable ? this.cap : this.request.maxOutputTokens;
  }

  /** What the caller could change about a call that does not fit. */
  get hint(): string {
    const { request, inputBound } = this;
    if (!this.clampable && request.maxOutputTokens === undefined && this.price.kind === 'text') {
      return `The call sets no output cap, so ${this.cap} tokens are held: pass maxOutputTokens, or canClampOutput: true where the callback sends the cap that it is granted.`;
    }
    const bounds = `Its input is bounded at ${inputBound} tokens and its output at ${this.cap}`;
    // Said only where a count could have decided, and was not to be had for want of the package.
    return this.#rung === 'tokens' && lacksTokenizer()
      ? `${bounds}; with gpt-tokenizer installed, input is counted more exactly, for models that it knows.`
      : `${bounds}.`;
  }

  /**
   * Sets the amounts to the largest that the accounts have room for.
   *
   * @param tokensLeft what the run's token limit leaves for output
   * @returns the account that blocks the call even at its smallest; `undefined` when it fits
   */
  fit(accounts: readonly Account[], tokensLeft: number): Account | undefined {
    const wanted = this.#wanted(accounts, tokensLeft);
    this.#set(wanted);
    if (this.policy.mode !== 'hard') return undefined;
    let blocking = blocker(accounts, this, this.order);
    this.least = this;
    if (blocking === undefined || !this.clampable) return blocking;
    const floor = Math.min(wanted, this.policy.minOutputTokens);
    // Nobody's cap is lowered while there is money: where more may be had for the asking, the call asks first.
    const firm = accounts.filter((account) => account.pool.lender?.mayGrow(account) !== true);
    const affordable = Math.max(floor, Math.min(wanted, this.#affordable(firm)));
    this.#set(affordable);
    blocking = blocker(accounts, this, this.order);
    if (blocking === undefined || firm.includes(blocking)) return blocking;
    this.#set(floor);
    this.least = { usd: this.usd, tokens: this.tokens, calls: 1 };
    this.#set(affordable);
    return blocking;
  }

  /** The first account that could not hold the call even if no other call held anything, at the least of the last {@link fit}. */
  stuckOn(accounts: readonly Account[]): Account | undefined {
    const { least } = this;
    return accounts.find((account) => amountIn(account.pool.budget.unit, least) > account.pool.limit - account.spent);
  }

  /** Whether a tokenizer could decide: with far fewer tokens than bytes, the call would fit now or after others end. */
  couldFitSharpened(accounts: readonly Account[], tokensLeft: number): boolean {
    const bound = this.inputBound;
    this.inputBound = Math.ceil(bound / MOST_BYTES_PER_TOKEN);
    const could = this.fit(accounts, tokensLeft) === undefined || this.stuckOn(accounts) === undefined;
    this.inputBound = bound;
    this.fit(accounts, tokensLeft);
    return could;
  }

  /** Goes from the length bound to exact bytes. @returns whether that changed the bound */
  tighten(): boolean {
    if (this.#rung !== 'length' || !this.#canSharpen()) return false;
    this.#rung = 'bytes';
    this.#byteBound = bytesOf(this.request);
    return this.#lower(this.#byteBound);
  }

  /** Goes to a real tokenizer, and to what was billed before, off the hot path. @returns whether that changed the bound */
  async sharpen(): Promise<boolean> {
    if (this.#rung === 'tokens' || !this.#canSharpen()) return false;
    this.#rung = 'tokens';
    this.#byteBound = Math.min(this.#byteBound, bytesOf(this.request));
    const { input, provider, model } = this.request;
    const sharp = sharpBound(input, provider, model, undefined, keptIn(this.request));
    this.note();
    const billed = this.conversation && this.prefixes?.boundOf(this.conversation);
    return this.#lower(Math.min(await sharp, (await billed) ?? Infinity));
  }

  /** Takes note of the conversation as it stands, unless the first bound holds. */
  note(): void {
    if (this.#rung !== 'length' && this.prefixes !== undefined) this.conversation ??= conversationOf(this.request);
  }

  /** Bounds the input anew where the caller has changed it while the call waited. */
  refresh(): void {
    if (this.#isUnchanged()) return;
    this.#rung = 'length';
    this.conversation = undefined;
    this.#lengthBound = boundOf(this.request);
    this.#byteBound = Number.POSITIVE_INFINITY;
    this.inputBound = this.#held(this.#lengthBound);
  }

  /** Whether this claim holds enough for a request that an inner layer makes of it: no more input, no higher cap. */
  covers(inner: CallRequest): boolean {
    const { request, price } = this;
    const cap = inner.maxOutputTokens ?? price.maxOutputTokens ?? UNKNOWN_MAX_OUTPUT;
    if (price.kind === 'text' && cap > this.cap) return false;
    for (const field of ADDED) if ((inner[field] ?? 0) > (request[field] ?? 0)) return false;
    return inner.serviceTier === request.serviceTier && this.#isWithin(inner);
  }

  /** What an inner layer's version of the request needs beyond what this claim holds. */
  excess(inner: CallRequest): Amounts {
    const { request, price } = this;
    const rounds = (inner.inputRounds ?? 1) / (request.inputRounds ?? 1);
    const bound = (this.#isWithin(inner) ? this.inputBound : this.#held(boundOf(inner))) * rounds;
    const cap = price.kind === 'text' ? (inner.maxOutputTokens ?? price.maxOutputTokens ?? UNKNOWN_MAX_OUTPUT) : 0;
    const output = cap + (inner.extraOutputTokens ?? 0);
    const tokens = bound + output * (inner.candidates ?? 1);
    const usd = worstCost(price, bound, output, inner);
    return { usd: Math.max(0, usd - this.usd), tokens: Math.max(0, tokens - this.tokens), calls: 0 };
  }

  /** Stands for an inner layer's version of the request too. */
  grow(inner: CallRequest, extra: Amounts): void {
    this.conversation = undefined;
    this.usd += extra.usd;
    this.tokens += extra.tokens;
    this.cap = Math.max(this.cap, inner.maxOutputTokens ?? 0);
    this.#lengthBound = Math.max(this.#lengthBound, boundOf(inner));
    this.#byteBound = Math.max(this.#byteBound, this.#bytesOf(inner));
    this.inputBound = Math.max(this.inputBound, Math.min(this.#held(boundOf(inner)), this.tokens));
  }

  /** Whether a tokenizer could still lower the bound by an amount that matters. */
  get blurred(): boolean {
    return this.#rung !== 'tokens' && this.#canSharpen();
  }

  #canSharpen(): boolean {
    return this.request.inputTokens === undefined && this.request.input !== undefined;
  }

  #isUnchanged(): boolean {
    if (!this.#canSharpen()) return true;
    return boundOf(this.request) === this.#lengthBound && this.#bytesOf(this.request) === this.#byteBound;
  }

  /** Whether an input is no larger than the one that the claim was made for. */
  #isWithin(inner: CallRequest): boolean {
    return boundOf(inner) <= this.#lengthBound && this.#bytesOf(inner) <= this.#byteBound;
  }

  #bytesOf(request: CallRequest): number {
    return this.#byteBound === Number.POSITIVE_INFINITY ? this.#byteBound : bytesOf(request);
  }

  /** A count of what the input has become says nothing of what it was. */
  #lower(bound: number): boolean {
    const held = this.#held(bound);
    if (held >= this.inputBound || !this.#isUnchanged()) return false;
    this.inputBound = held;
    return true;
  }

  /** What is held for an input: no more than the context window, as often as the provider may read it. */
  #held(bound: number): number {
    const { maxInputTokens } = this.price;
    const once = maxInputTokens !== undefined && bound > maxInputTokens ? maxInputTokens : bound;
    return once * (this.request.inputRounds ?? 1);
  }

  #set(cap: number): void {
    const { request } = this;
    const output = this.price.kind === 'text' ? cap + (request.extraOutputTokens ?? 0) : cap;
    this.cap = cap;
    this.usd = worstCost(this.price, this.inputBound, output, request);
    const answers = request.candidates ?? 1;
    const images = (request.images ?? (this.price.kind === 'image' ? answers : 0)) * this.price.imageTokens;
    this.tokens = this.inputBound + Math.max(output * answers, images);
  }

  /** The cap before any lowering to fit: the caller's, else the model's, else a share of what remains. */
  #wanted(accounts: readonly Account[], tokensLeft: number): number {
    const { request, price, policy } = this;
    if (price.kind !== 'text') return 0;
    const asked = request.maxOutputTokens;
    if (!this.clampable) return asked ?? price.maxOutputTokens ?? UNKNOWN_MAX_OUTPUT;
    const cap = asked ?? Math.max(this.#share(accounts), Math.min(policy.minOutputTokens, this.#modelMaximum()));
    return cap < tokensLeft ? cap : tokensLeft;
  }

  #modelMaximum(): number {
    return this.price.maxOutputTokens ?? UNKNOWN_MAX_OUTPUT;
  }

  /** The model's maximum, but no more than a share of what remains can pay for. */
  #share(accounts: readonly Account[]): number {
    let cap = this.#modelMaximum();
    for (let i = 0; i < accounts.length; i++) {
      const account = accounts[i] as Account;
      cap = Math.min(cap, this.#outputWithin(account, account.left * this.policy.outputShare, 0, cap));
    }
    return cap;
  }

  /** The largest cap for which every account has room. */
  #affordable(accounts: readonly Account[]): number {
    let cap = Number.POSITIVE_INFINITY;
    for (let i = 0; i < accounts.length; i++) {
      const account = accounts[i] as Account;
      cap = Math.min(cap, this.#outputWithin(account, account.room, this.inputBound, cap));
    }
    return cap;
  }

  /** The largest cap, up to `most`, whose worst case beside so much input fits into the room. */
  #outputWithin(account: Account, room: number, input: number, most: number): number {
    const { unit } = account.pool.budget;
    if (unit === 'calls') return most;
    const { request, price } = this;
    const extra = request.extraOutputTokens ?? 0;
    if (unit === 'tokens') return Math.floor((room - input) / (request.candidates ?? 1)) - extra;
    // Most budgets have room for the whole: one multiplication then, instead of a division that must come out exact.
    if (most !== Number.POSITIVE_INFINITY && worstCost(price, input, most + extra, request) <= room) return most;
    return affordableOutput(price, input, Math.floor(room), request) - extra;
  }
}
