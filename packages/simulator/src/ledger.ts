/** What the simulated providers billed: one entry for each HTTP request, and the totals that budgets are held against. */
import type { Price } from './prices.ts';
import { costNano } from './prices.ts';
import type { Api, Provider, SimulatedRequest } from './request.ts';
import type { SimulatedUsage } from './usage.ts';
import { upTo } from './usage.ts';

/**
 * How a request ended: `completed`; `error` (an HTTP error, or an error event inside the stream); `aborted` (the
 * client left); `cut` (the script destroyed the connection); `hung` (the script never answered).
 */
export type Outcome = 'completed' | 'error' | 'aborted' | 'cut' | 'hung';

/** One request in the ledger. */
export interface LedgerEntry {
  /** The number of the request, from 1. */
  readonly id: number;
  readonly provider: Provider;
  readonly api: Api;
  /** The model that answered and is billed. */
  readonly model: string;
  readonly requestedModel: string;
  readonly streamed: boolean;
  /** The HTTP status; `undefined` until headers were sent, and when none ever were. */
  readonly status: number | undefined;
  /** Whether the provider charges for it. */
  readonly billed: boolean;
  /** What is billed; while the request is open, what was generated so far. */
  readonly usage: SimulatedUsage;
  readonly serviceTier: string | undefined;
  /** `undefined` while the request is open. */
  readonly outcome: Outcome | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** Nano-dollars (1e-9 USD), exact, rounded up once; 0 while open and when not billed. */
  readonly costNano: number;
  /** Resolves with this entry when the request has ended. */
  readonly done: Promise<LedgerEntry>;
}

/** Which entries to count. */
export interface LedgerFilter {
  readonly provider?: Provider;
  /** The model that was billed. */
  readonly model?: string;
  readonly api?: Api;
  readonly outcome?: Outcome;
}

const NOTHING: SimulatedUsage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  toolUsePromptTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/** What the composed answer will have consumed once it is complete. */
export interface Bill {
  readonly model: string;
  readonly price: Price;
  readonly usage: SimulatedUsage;
  readonly serviceTier: string | undefined;
}

/** An entry while its request is open; only the exchange that serves the request writes to it. */
export class OpenEntry implements LedgerEntry {
  readonly id: number;
  readonly provider: Provider;
  readonly api: Api;
  readonly requestedModel: string;
  readonly streamed: boolean;
  readonly startedAt = Date.now();
  readonly done: Promise<LedgerEntry>;
  model: string;
  status: number | undefined;
  billed = false;
  usage: SimulatedUsage = NOTHING;
  serviceTier: string | undefined;
  outcome: Outcome | undefined;
  endedAt: number | undefined;
  costNano = 0;
  #bill: Bill | undefined;
  #resolve: (entry: LedgerEntry) => void = () => {};
  readonly #ended: () => void;

  constructor(request: SimulatedRequest, ended: () => void) {
    this.id = request.n;
    this.provider = request.provider;
    this.api = request.api;
    this.model = this.requestedModel = request.model;
    this.streamed = request.streamed;
    this.#ended = ended;
    this.done = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** Sets what the answer will consume; nothing is generated yet. */
  begin(bill: Bill): void {
    this.#bill = bill;
    this.model = bill.model;
    this.serviceTier = bill.serviceTier;
    this.usage = upTo(bill.usage, 0);
  }

  /** Notes how much output has been generated. */
  generated(outputTokens: number): void {
    if (this.#bill) this.usage = upTo(this.#bill.usage, outputTokens);
  }

  /** Ends the entry once; `billed` charges what was generated up to now. */
  end(outcome: Outcome, billed: boolean): void {
    if (this.outcome !== undefined) return;
    this.outcome = outcome;
    this.endedAt = Date.now();
    this.billed = billed && this.#bill !== undefined;
    if (this.billed && this.#bill) this.costNano = costNano(this.#bill.price, this.usage, this.#bill.serviceTier);
    else this.usage = NOTHING;
    this.#bill = undefined;
    this.#ended();
    this.#resolve(this);
  }
}

/** The entries of one simulator, and their totals. */
export class Ledger {
  readonly #entries: OpenEntry[] = [];
  #inFlight = 0;
  #maxInFlight = 0;
  #idle: (() => void)[] = [];

  /** All entries in the order in which the requests arrived, open ones included. */
  get entries(): readonly LedgerEntry[] {
    return this.#entries;
  }

  /** The number of requests that arrived. */
  get requests(): number {
    return this.#entries.length;
  }

  /** Requests that are open now. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The most requests that were open at once. */
  get maxInFlight(): number {
    return this.#maxInFlight;
  }

  /** The entries that match. */
  select(filter: LedgerFilter = {}): readonly LedgerEntry[] {
    const wanted = Object.entries(filter).filter(([, value]) => value !== undefined);
    return this.#entries.filter((entry) => wanted.every(([key, value]) => Reflect.get(entry, key) === value));
  }

  /** The sum of what was billed, in nano-dollars (1e-9 USD). */
  totalNano(filter: LedgerFilter = {}): number {
    return this.select(filter).reduce((sum, entry) => sum + entry.costNano, 0);
  }

  /** Resolves when no request is open; at once when none is. */
  settled(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Adds an entry for a request that arrived. */
  open(request: SimulatedRequest): OpenEntry {
    const entry = new OpenEntry(request, () => this.#closed());
    this.#entries.push(entry);
    this.#inFlight += 1;
    this.#maxInFlight = Math.max(this.#maxInFlight, this.#inFlight);
    return entry;
  }

  #closed(): void {
    this.#inFlight -= 1;
    if (this.#inFlight > 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}
