/**
 * One guard's events on their way to its backend: where they are kept, who sends them, what an earlier process left behind,
 * and which answers may or may not count a batch that was under way.
 */
import type { Clock } from './clock.ts';
import type { BackendAccess } from './config/policy.ts';
import type { Rejection } from './rejection.ts';
import type { Journal } from './spend-keeper.ts';
import { openStore, type Store } from './store.ts';
import { retimed } from './telemetry/event.ts';
import { Reporter } from './telemetry/reporter.ts';
import { BackendError } from './wire/backend-error.ts';
import type { IngestAnswer, IngestRequest, WireEvent } from './wire/index.ts';

/** What a delivery is made of. */
export interface DeliveryOptions {
  readonly access: BackendAccess;
  readonly instance: string;
  readonly clock: Clock;
  /** Whether the backend knows the agent's budgets: an event that comes before is charged to none of them. */
  readonly isReady: () => boolean;
  readonly send: (request: IngestRequest) => Promise<IngestAnswer>;
  readonly onAnswer: (answer: IngestAnswer, events: readonly WireEvent[]) => void;
  /** All that earlier processes had left behind is delivered. At least once; again where more is found. */
  readonly onComplete: () => void;
  readonly onRejection: (reason: Rejection) => void;
}

/** The deliveries of this process, by account: what a dead process left behind, of whatever agent, lies with one of them. */
const families = new Map<string, Set<Delivery>>();

/** The events of one guard. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #family: Set<Delivery>;
  readonly #leaveFamily: () => void;
  #store: Store | undefined;
  #reporter: Reporter | undefined;
  /** Events that were there before the first of this process; unknown until they are counted. */
  #leftovers = Number.POSITIVE_INFINITY;
  /** Batches that were sent, and whether one is under way. */
  #batches = 0;
  #isSending = false;
  /** The same when the present connect began. */
  #wasSending = false;
  #batchesBefore = 0;
  #offsetMs = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    const { url, apiKey } = options.access;
    const account = `${url} ${apiKey}`;
    this.#family = families.get(account) ?? new Set();
    families.set(account, this.#family.add(this));
    this.#leaveFamily = () => {
      this.#family.delete(this);
      if (this.#family.size === 0) families.delete(account);
    };
  }

  /** Opens the store, and counts what it holds. Never rejects. @returns where spend is kept, if anywhere */
  async open(): Promise<Journal | undefined> {
    const { access, instance, clock, onAnswer, onRejection } = this.#options;
    this.#store = await openStore(access, instance, clock);
    const { buffer, spend } = this.#store;
    this.#reporter = new Reporter({
      buffer,
      instance,
      clock,
      send: (request) => this.#send(request),
      onAnswer: (answer, { events }) => {
        onAnswer(answer, events);
        this.#look();
      },
      onRejection,
    });
    await buffer.flush(); // or it has not counted what there is
    this.#leftovers = buffer.size;
    this.#look();
    return spend;
  }

  /** What `status()` shows. */
  get status(): { readonly pending: number; readonly dropped: number } {
    const { pending = 0, dropped = 0 } = this.#reporter?.delivery ?? {};
    return { pending, dropped };
  }

  /** Whether something that an earlier process left behind may still be missing in the backend's totals. */
  get hasLeftovers(): boolean {
    for (const each of this.#family) if (each.#isBehind) return true;
    return false;
  }

  /**
   * The backend's clock is known. What is here by now has the machine's times, and is moved by their difference when it is sent;
   * until then it is as good as left behind by an earlier process.
   */
  retime(offsetMs: number): void {
    this.#offsetMs = offsetMs;
    const { delivered = 0, rejected = 0, dropped = 0, pending = 0 } = this.#reporter?.delivery ?? {};
    this.#leftovers = delivered + rejected + dropped + pending;
  }

  /** Delivers what earlier processes left behind, for so long at most. Never rejects. */
  async catchUp(ms: number): Promise<void> {
    await Promise.all([...this.#family].map((each) => each.flush(ms)));
    this.#look();
  }

  /** A connect begins: from here on it is noted what is delivered beside it. */
  mark(): void {
    this.#wasSending = this.#isSending;
    this.#batchesBefore = this.#batches;
  }

  /** Whether a batch was under way during the present connect: its answer may be from before or after that. */
  get isBeside(): boolean {
    return this.#wasSending || this.#batches !== this.#batchesBefore;
  }

  /** Keeps an event and delivers it later. */
  append(event: WireEvent): void {
    this.#reporter?.append(event);
  }

  /** Delivers what there is, for so long at most. Never rejects. */
  async flush(ms: number): Promise<void> {
    await this.#reporter?.flush(ms);
  }

  /** The same, and ends it. What could not be delivered is kept for the next process. */
  async close(ms: number): Promise<void> {
    await this.#reporter?.close(ms);
  }

  /** Gives the store back. */
  async release(): Promise<void> {
    this.#leaveFamily();
    this.#look(); // what it did not deliver is no longer waited for
    await this.#store?.buffer.close();
  }

  get #isBehind(): boolean {
    const { delivered = 0, rejected = 0, dropped = 0 } = this.#reporter?.delivery ?? {};
    return delivered + rejected + dropped < this.#leftovers;
  }

  /** Tells the whole family once nothing is left behind. */
  #look(): void {
    if (!this.hasLeftovers) for (const each of this.#family) each.#options.onComplete();
  }

  async #send(request: IngestRequest): Promise<IngestAnswer> {
    if (!this.#options.isReady())
      throw new BackendError('ingest: the backend is not connected yet. It is tried again.', 'unavailable');
    this.#batches += 1;
    this.#isSending = true;
    try {
      const events = request.events.map((event) => retimed(event, this.#offsetMs));
      return await this.#options.send({ ...request, events });
    } finally {
      this.#isSending = false;
    }
  }
}
