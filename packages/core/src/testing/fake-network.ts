/** The way between a process and the authority of its shared budgets: slow, lossy, out of order, as the test says. */
import type { LeaseAuthority } from '../budget/lease-exchange.ts';
import type { LeasesAnswer, LeasesRequest } from '../wire/index.ts';
import { deferred } from './deferred.ts';
import type { FakeAuthority } from './fake-authority.ts';
import type { Machine, Timeline } from './timeline.ts';

/** What happens to one request, in milliseconds. */
export interface Journey {
  /** Until it arrives. Default 0. */
  readonly there?: number;
  /** Until the answer is back. Default 0. */
  readonly back?: number;
  readonly isRequestLost?: boolean;
  readonly isAnswerLost?: boolean;
  /** The connection breaks when it has arrived: whoever asks is told, and does not know that it has. */
  readonly isCut?: boolean;
  /** A second copy arrives after this long; its answer goes nowhere. */
  readonly again?: number;
}

/** The network of one process. */
export class FakeNetwork implements LeaseAuthority {
  /** Decides what happens to the next request. */
  journey: () => Journey = () => ({});
  /** Nothing arrives, and whoever asks is told at once. */
  isDown = false;
  /** When requests left, in true time. */
  readonly sent: number[] = [];
  /** What was asked, first to last. */
  readonly asked: LeasesRequest[] = [];
  /** How the last request ended, as the process knows. */
  outcome: 'answered' | 'failed' | undefined;

  /** @param timeoutMs after so long without an answer the request has failed */
  constructor(
    readonly authority: FakeAuthority,
    readonly timeline: Timeline,
    readonly machine: Machine,
    readonly timeoutMs = 10_000,
  ) {}

  async leases(request: LeasesRequest): Promise<LeasesAnswer> {
    this.sent.push(this.timeline.now);
    this.asked.push(request);
    const { promise, resolve, reject } = deferred<LeasesAnswer>();
    this.#travel(request, resolve, reject);
    const stop = this.machine.start(this.timeoutMs, () => reject(new Error('The backend did not answer in time.')));
    try {
      const answer = await promise;
      this.outcome = 'answered';
      return answer;
    } catch (error) {
      this.outcome = 'failed';
      throw error;
    } finally {
      stop();
    }
  }

  #travel(request: LeasesRequest, resolve: (answer: LeasesAnswer) => void, reject: (error: Error) => void): void {
    if (this.isDown) {
      reject(new Error('The backend can not be reached.'));
      return;
    }
    const { there = 0, back = 0, isRequestLost, isAnswerLost, isCut, again } = this.journey();
    if (again !== undefined) this.timeline.plan(again, () => void this.authority.answer(request));
    if (isRequestLost === true) return;
    this.timeline.plan(there, () => {
      if (this.isDown) return;
      const answer = this.authority.answer(request);
      if (isCut === true) this.machine.start(0, () => reject(new Error('The connection broke.')));
      // The process reads it when its machine runs.
      else if (isAnswerLost !== true) this.timeline.plan(back, () => void this.machine.start(0, () => resolve(answer)));
    });
  }
}
