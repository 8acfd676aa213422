/** Remembers which request an answer belongs to, so that a stop condition can tell what the loop would send next. */
import type { AgentKavach, CallRequest } from '@agentkavach/core';
import { fields } from './shape.ts';

/** The request that carries on from a call, by the messages that have come since. */
export type NextCall = (added: readonly object[]) => CallRequest;

/** An answer, or a step of a loop. They have the answer's headers in common: the SDK hands them on as they are. */
interface Answered {
  readonly response?: unknown;
}

/** The calls of one guard. An entry lives no longer than the step that has the headers. */
interface Calls {
  readonly byHeaders: WeakMap<object, NextCall>;
  /** The last of all, for steps without headers, as of a mock: where several such loops run at once, it may be of another. */
  last: NextCall | undefined;
}

/** Of guards that a stop condition asks. */
const ofGuards = new WeakMap<AgentKavach, Calls>();

/** Remembers the calls of this guard from now on. */
export function rememberCalls(guard: AgentKavach): void {
  if (!ofGuards.has(guard)) ofGuards.set(guard, { byHeaders: new WeakMap(), last: undefined });
}

/** Notes how to carry on from a call, where anybody will ask. */
export function remember(guard: AgentKavach, answer: Answered, next: NextCall): void {
  const calls = ofGuards.get(guard);
  if (calls === undefined) return;
  const headers = headersOf(answer);
  calls.last = next;
  if (headers !== undefined) calls.byHeaders.set(headers, next);
}

/** How to carry on from the last of a loop's steps. What is known of the one before it, a whole prompt, is forgotten. */
export function nextCallOf(guard: AgentKavach, steps: readonly Answered[]): NextCall | undefined {
  const calls = ofGuards.get(guard);
  const before = headersOf(steps.at(-2));
  const last = headersOf(steps.at(-1));
  if (before !== undefined && before !== last) calls?.byHeaders.delete(before);
  if (steps.length === 0) return undefined;
  return last === undefined ? calls?.last : calls?.byHeaders.get(last);
}

function headersOf(answer: Answered | undefined): object | undefined {
  return fields(fields(answer?.response)?.['headers']);
}
