/** A backend and timers under a test's control, for the reporter's tests. */
import type { IngestAnswer, IngestRequest } from '../../wire/index.ts';
import { BackendError } from '../../wire/backend-error.ts';
import type { Timers } from '../timers.ts';

/** Timers that fire when they are told to. */
export class FakeTimers implements Timers {
  #now = 0;
  readonly #timers = new Set<{ at: number; ms: number; fn: () => void; hold: boolean }>();

  start(ms: number, fn: () => void, hold = false): () => void {
    const timer = { at: this.#now + ms, ms, fn, hold };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  /** The delays of the timers that run, in the order in which they fire. */
  get delays(): number[] {
    return this.#sorted().map(({ ms }) => ms);
  }

  /** The delays of those that keep the process. */
  get holding(): number[] {
    return this.#sorted().filter(({ hold }) => hold).map(({ ms }) => ms); // prettier-ignore
  }

  /** Lets time pass. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#sorted()[0]; next && next.at <= end; next = this.#sorted()[0]) this.#fire(next);
    this.#now = end;
  }

  /** Lets time pass up to the next timer, unless that is farther away than so much. @returns whether one fired */
  next(within = Infinity): boolean {
    const next = this.#sorted()[0];
    if (next === undefined || next.at - this.#now > within) return false;
    this.#fire(next);
    return true;
  }

  #fire(timer: { at: number; fn: () => void }): void {
    this.#now = Math.max(this.#now, timer.at);
    for (const each of this.#timers) if (each === timer) this.#timers.delete(each);
    timer.fn();
  }

  #sorted(): { at: number; ms: number; fn: () => void; hold: boolean }[] {
    return [...this.#timers].sort((a, b) => a.at - b.at);
  }
}

/** What the authority does with one request. */
export type Mood =
  | 'takes it'
  | 'is down'
  | 'answers 500'
  | 'asks to wait'
  | 'dies after it has committed'
  | 'answers with a page'
  | 'counts wrongly'
  | 'takes small batches only'
  | 'throws something else';

/** Stores events by id, with a ledger of its own. */
export class FakeAuthority {
  /** The `at` of each stored event, in the order in which they came. */
  readonly ledger: number[] = [];
  readonly requests: IngestRequest[] = [];
  /** What comes next; then it takes everything. */
  readonly moods: Mood[];
  /** Events that make it refuse a whole batch. */
  readonly isPoison: (at: number) => boolean;
  /** Events that it puts into the dead letters. */
  readonly isDead: (at: number) => boolean;
  readonly #ids = new Set<string>();

  constructor(
    moods: readonly Mood[] = [],
    isPoison: (at: number) => boolean = () => false,
    isDead: (at: number) => boolean = () => false,
  ) {
    this.moods = [...moods];
    this.isPoison = isPoison;
    this.isDead = isDead;
  }

  readonly send = async (request: IngestRequest): Promise<IngestAnswer> => {
    this.requests.push(request);
    const mood = this.moods.shift() ?? 'takes it';
    // Nothing is answered in the same turn.
    await Promise.resolve();
    if (mood === 'is down') throw new BackendError('connect ECONNREFUSED', 'unavailable');
    if (mood === 'answers 500') throw new BackendError('The backend answered 500', 'unavailable', { status: 500 });
    if (mood === 'asks to wait')
      throw new BackendError('The backend answered 429', 'throttled', { status: 429, retryAfterMs: 7_000 });
    if (mood === 'throws something else') throw new TypeError('cannot read properties of undefined');
    if (mood === 'answers with a page') return '<html>' as unknown as IngestAnswer;
    if (mood === 'takes small batches only' && request.events.length > 3)
      throw new BackendError('The backend answered 413', 'refused', { status: 413 });
    if (request.events.some(({ at }) => this.isPoison(at)))
      throw new BackendError('The backend answered 422', 'refused', { status: 422 });
    const answer = this.#store(request);
    if (mood === 'dies after it has committed') throw new BackendError('socket hang up', 'unavailable');
    return mood === 'counts wrongly' ? { ...answer, accepted: answer.accepted + 1 } : answer;
  };

  #store({ events, sentAt }: IngestRequest): IngestAnswer {
    let [accepted, duplicates] = [0, 0];
    const rejected: IngestAnswer['rejected'][number][] = [];
    events.forEach(({ id, at }, index) => {
      if (this.isDead(at)) rejected.push({ index, id, reason: 'invalid', detail: 'at must be even' });
      else if (this.#ids.has(id)) duplicates += 1;
      else {
        accepted += 1;
        this.#ids.add(id);
        this.ledger.push(at);
      }
    });
    return { accepted, duplicates, rejected, agents: [], budgets: [], serverTime: sentAt };
  }
}
