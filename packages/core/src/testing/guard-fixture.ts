/** A guard on a fake clock in front of a fake provider: what a test of budgets starts from. */
import type { CallRequest } from '../call.ts';
import type { KavachOptions } from '../config/options.ts';
import { AgentKavach } from '../kavach.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeProvider } from './fake-provider.ts';

/** A guard and all that it depends on. */
export interface GuardFixture {
  readonly guard: AgentKavach;
  readonly clock: FakeClock;
  readonly provider: FakeProvider;
  /** Sends a request to the provider under the guard: 100 tokens of input and no output cap, unless told otherwise. */
  ask(request?: Partial<CallRequest>): Promise<number>;
}

/**
 * Makes a guard for the fake provider, at one dollar per 1,000 tokens of input or output.
 *
 * @param shared a clock or provider that another guard uses too
 * @example
 * const { ask, provider, guard } = guardFixture({ budget: Budget.total(1) });
 * const answer = ask({ inputTokens: 100, maxOutputTokens: 300 }); // holds $0.40
 * provider.pending[0]?.answer(100, 50); // costs $0.15
 */
export function guardFixture(
  options: KavachOptions,
  shared: { readonly clock?: FakeClock; readonly provider?: FakeProvider } = {},
): GuardFixture {
  const clock = shared.clock ?? new FakeClock();
  const provider = shared.provider ?? new FakeProvider();
  const prices = { [provider.model]: provider.price, ...options.prices };
  const guard = new AgentKavach({ clock, ...options, prices });
  const ask = (request: Partial<CallRequest> = {}): Promise<number> =>
    guard.call({ provider: 'fake', model: provider.model, inputTokens: 100, ...request }, provider.send);
  return { guard, clock, provider, ask };
}
