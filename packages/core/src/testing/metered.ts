/** For tests of settling: a guard whose one model has round prices, and a view of what it charged. */
import { expect } from 'vitest';
import { Budget } from '../budget/budget.ts';
import type { CallRequest } from '../call.ts';
import type { KavachOptions } from '../config/options.ts';
import type { SpendEvent } from '../events.ts';
import { AgentKavach } from '../kavach.ts';

/** 100 tokens in, at most 50 out. */
export const REQUEST = {
  provider: 'test',
  model: 'round',
  inputTokens: 100,
  maxOutputTokens: 50,
} as const satisfies CallRequest;

/** What {@link REQUEST} reserves, in dollars. */
export const RESERVED_USD = 0.0002;

/** What so many tokens cost, exact to the nano-dollar. */
export function usd(inputTokens: number, outputTokens: number): number {
  return (inputTokens * 1000 + outputTokens * 2000) / 1e9;
}

/** A guard with a total budget of $1 and what it booked, call by call. */
export function meteredGuard(options: KavachOptions = {}): { guard: AgentKavach; booked: SpendEvent[] } {
  const guard = new AgentKavach({
    budget: Budget.total(1),
    prices: { round: { inputPerMillion: 1, outputPerMillion: 2 } },
    ...options,
  });
  const booked: SpendEvent[] = [];
  guard.on('spend', (event) => booked.push(event));
  return { guard, booked };
}

/** Every reservation has ended, and the budgets hold what was booked. */
export function expectSettled(guard: AgentKavach, booked: readonly SpendEvent[], settles: number): void {
  const { budgets, inFlight } = guard.status();
  expect(booked).toHaveLength(settles);
  expect(inFlight).toBe(0);
  const total = booked.reduce((sum, event) => sum + Math.round(event.usd * 1e9), 0);
  for (const budget of budgets) {
    expect(budget.reserved).toBe(0);
    if (budget.unit === 'usd') expect(Math.round(budget.spent * 1e9)).toBe(total);
  }
}
