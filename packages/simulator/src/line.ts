/**
 * The line to one client: writes with backpressure, waits that end at once when the client leaves, and nothing left
 * behind afterwards.
 */
import type { ServerResponse } from 'node:http';

// Taken when the module loads: a test's fake timers must not stop the network.
const { setTimeout, clearTimeout, setImmediate, clearImmediate } = globalThis;

export class Line {
  /** Whether the connection has closed. */
  gone = false;
  readonly #response: ServerResponse;
  #wake: (() => void) | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    this.gone = response.destroyed;
    response.on('close', () => {
      this.gone = true;
      this.#wake?.();
    });
    // A write that races with the client's leaving ends in 'close' as well.
    response.on('error', () => {});
  }

  /** Waits for so many milliseconds, or until the client leaves. */
  async pause(ms: number): Promise<void> {
    if (ms <= 0) return;
    await this.#wait((done) => {
      const timer = setTimeout(done, ms);
      return () => clearTimeout(timer);
    });
  }

  /** Waits until the promise settles, or until the client leaves; for ever without a promise. */
  async until(promise?: Promise<unknown>): Promise<void> {
    await this.#wait((done) => {
      promise?.then(done, done);
      return () => {};
    });
  }

  /** Writes, and waits while the client reads more slowly. */
  async write(bytes: string): Promise<void> {
    const free = this.#response.write(bytes);
    await this.#wait((done) => {
      if (free) {
        // One turn of the event loop, so that a client that leaves is noticed at this chunk and not at the end.
        const turn = setImmediate(done);
        return () => clearImmediate(turn);
      }
      this.#response.once('drain', done);
      return () => this.#response.off('drain', done);
    });
  }

  async #wait(start: (done: () => void) => () => void): Promise<void> {
    if (this.gone) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#wake = undefined;
        stop();
        resolve();
      };
      this.#wake = done;
      const stop = start(done);
    });
  }
}
