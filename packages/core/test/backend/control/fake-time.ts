/** Clocks and timers that go on only when a test says so. */
import { FakeClock } from '../../../src/testing/fake-clock.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Lets all that waits for nothing but promises happen. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

/** A clock with timers. */
export class FakeTime extends FakeClock {
  readonly #timers = new Set<Timer>();

  readonly after = (ms: number, callback: () => void): (() => void) => {
    const timer = { at: this.monotonic() + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer; `undefined` where none is set. */
  get nextIn(): number | undefined {
    const [next] = this.#inOrder();
    return next === undefined ? undefined : next.at - this.monotonic();
  }

  /** Lets time pass, timer by timer. */
  async pass(ms: number): Promise<void> {
    const end = this.monotonic() + ms;
    await settled();
    for (let next = this.#inOrder()[0]; next !== undefined && next.at <= end; next = this.#inOrder()[0]) {
      this.advance(Math.max(0, next.at - this.monotonic()));
      this.#timers.delete(next);
      next.callback();
      await settled();
    }
    this.advance(end - this.monotonic());
  }

  #inOrder(): Timer[] {
    return [...this.#timers].sort((one, other) => one.at - other.at);
  }
}
