/** A provider in memory: it answers when a test says so, and keeps its own account of what it billed. */
import type { CallGrant, CallResult } from '../call.ts';
import { deferred } from './deferred.ts';

/** A request that the fake provider has got and not answered yet. */
export interface PendingRequest {
  /** What the guard allowed: the signal, the output cap, the model. */
  readonly grant: CallGrant;
  /** Answers and bills these tokens; the answer's value is the request's number, from 1. */
  answer(inputTokens: number, outputTokens: number): void;
  /** Refuses with an HTTP status, and bills nothing. */
  refuse(status: number): void;
  /** Answers without a word about usage, but bills these tokens. */
  answerSilently(inputTokens: number, outputTokens: number): void;
}

/** Both rates in whole nano-dollars per token, so that every bill is exact. */
export interface FakeRates {
  readonly inputNano: number;
  readonly outputNano: number;
}

/**
 * A provider whose bill does not depend on what a guard believes: a budget holds if {@link FakeProvider.billed} never
 * passes it.
 *
 * @example
 * const provider = new FakeProvider();
 * const guard = new AgentKavach({ budget: Budget.total(1), prices: { [provider.model]: provider.price } });
 * const call = guard.call({ provider: 'fake', model: provider.model, inputTokens: 100 }, provider.send);
 * provider.pending[0]?.answer(100, 50);
 */
export class FakeProvider {
  readonly model = 'fake-1';
  /** Requests that wait for an answer, oldest first. */
  readonly pending: PendingRequest[] = [];
  /** How many requests arrived. */
  requests = 0;
  /** What was billed so far, in nano-dollars. */
  billed = 0;
  readonly #rates: FakeRates;

  /** @param rates default: a million nano-dollars per token either way, so that 1,000 tokens cost one dollar */
  constructor(rates: FakeRates = { inputNano: 1_000_000, outputNano: 1_000_000 }) {
    this.#rates = rates;
  }

  /** The rates as a guard's `prices` take them. */
  get price(): { inputPerMillion: number; outputPerMillion: number } {
    const perMillion = (nano: number): number => nano / 1_000;
    return { inputPerMillion: perMillion(this.#rates.inputNano), outputPerMillion: perMillion(this.#rates.outputNano) };
  }

  /** Takes a request; give it to `guard.call()` as its callback. */
  readonly send = (grant: CallGrant): Promise<CallResult<number>> => {
    this.requests += 1;
    const number = this.requests;
    const answer = deferred<CallResult<number>>();
    const end = (): void => {
      const index = this.pending.indexOf(request);
      if (index !== -1) this.pending.splice(index, 1);
    };
    const bill = (inputTokens: number, outputTokens: number): void => {
      end();
      this.billed += inputTokens * this.#rates.inputNano + outputTokens * this.#rates.outputNano;
    };
    const request: PendingRequest = {
      grant,
      answer: (inputTokens, outputTokens) => {
        bill(inputTokens, outputTokens);
        answer.resolve({ value: number, usage: { inputTokens, outputTokens } });
      },
      answerSilently: (inputTokens, outputTokens) => {
        bill(inputTokens, outputTokens);
        answer.resolve({ value: number });
      },
      refuse: (status) => {
        end();
        answer.reject(Object.assign(new Error(`HTTP ${status}`), { status }));
      },
    };
    this.pending.push(request);
    return answer.promise;
  };
}
