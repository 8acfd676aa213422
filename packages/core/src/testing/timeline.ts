/** True time in a test: events in their order, and machines whose clocks go wrong beside it. */
import type { Clock } from '../clock.ts';

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** Microtasks between two events: enough for the longest chain of promises that an event sets off. */
const TURNS = 12;

/** Time that passes when the test says so. */
export class Timeline {
  now: number;
  /** Called after each event. */
  onEvent: () => void = () => undefined;
  readonly #planned = new Set<Planned>();
  #order = 0;

  /** @param now where it begins, in milliseconds since the Unix epoch */
  constructor(now = Date.UTC(2026, 0, 5, 12)) {
    this.now = now;
  }

  /** Plans an event. @returns a function that cancels it */
  plan(ms: number, fn: () => void): () => void {
    const planned = { at: this.now + Math.max(0, ms), order: (this.#order += 1), fn };
    this.#planned.add(planned);
    return () => void this.#planned.delete(planned);
  }

  /** Lets time pass: each event in its turn, and all that its promises set off. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    await settle();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#planned.delete(next);
      this.now = next.at;
      next.fn();
      await settle();
      this.onEvent();
    }
    this.now = until;
  }

  #next(until: number): Planned | undefined {
    let next: Planned | undefined;
    for (const planned of this.#planned) {
      if (planned.at > until) continue;
      if (next === undefined || planned.at < next.at || (planned.at === next.at && planned.order < next.order))
        next = planned;
    }
    return next;
  }
}

/** Lets the promises that are settled by now set off what waits for them. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await Promise.resolve();
}

/** How a machine's clocks go wrong. */
export interface Skew {
  /** Milliseconds that its wall clock is ahead. */
  readonly offset?: number;
  /** The share by which both of its clocks run fast: 0.01 is one percent. */
  readonly drift?: number;
}

/** A machine: its clocks and its timers. */
export class Machine implements Clock {
  readonly #timeline: Timeline;
  readonly #drift: number;
  #wall: number;
  #ticks = 0;
  #since: number;
  #isAsleep = false;
  #isOff = false;
  #late: (() => void)[] = [];

  constructor(timeline: Timeline, { offset = 0, drift = 0 }: Skew = {}) {
    this.#timeline = timeline;
    this.#drift = drift;
    this.#wall = timeline.now + offset;
    this.#since = timeline.now;
  }

  /** Whether its programs run now. */
  get isRunning(): boolean {
    return !this.#isAsleep && !this.#isOff;
  }

  now(): number {
    return this.#wall + this.#passed;
  }

  monotonic(): number {
    return this.#ticks + (this.#isAsleep ? 0 : this.#passed);
  }

  /** A timer by this machine's clock; while it sleeps none fires. */
  start(ms: number, fn: () => void): () => void {
    let isCancelled = false;
    const fire = (): void => {
      if (isCancelled || this.#isOff) return;
      if (this.#isAsleep) this.#late.push(fire);
      else fn();
    };
    const cancel = this.#timeline.plan(ms / (1 + this.#drift), fire);
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  /** Moves the wall clock. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** The machine sleeps: its monotonic clock stands still, its wall clock goes on. */
  sleep(): void {
    this.#mark();
    this.#isAsleep = true;
  }

  wake(): void {
    this.#mark();
    this.#isAsleep = false;
    const late = this.#late;
    this.#late = [];
    for (const fire of late) fire();
  }

  /** Nothing of it runs any more. */
  crash(): void {
    this.#isOff = true;
  }

  get #passed(): number {
    return (this.#timeline.now - this.#since) * (1 + this.#drift);
  }

  #mark(): void {
    const passed = this.#passed;
    this.#wall += passed;
    if (!this.#isAsleep) this.#ticks += passed;
    this.#since = this.#timeline.now;
  }
}
