/** Remembers which request an answer belongs to, so that a stop condition can tell what the loop would send next. */
import type { AgentKavach, CallRequest } from '@agentkavach/core';
import { fields } from './shape.ts';

/** The request that carries on from a call, by the messages that have come since. */
export type NextCall = (added: readonly object[]) => CallRequest;

/** An answer, or a step of a loop. They have the answer's headers in common: the SDK hands them on as they are. */
interface Answered {
  readonly response?: unknown;
}

/** Of guards that a stop condition asks. An entry lives no longer than the step that has the headers. */
const ofGuards = new WeakMap<AgentKavach, WeakMap<object, NextCall>>();

/** Remembers the calls of this guard from now on. */
export function rememberCalls(guard: AgentKavach): void {
  if (!ofGuards.has(guard)) ofGuards.set(guard, new WeakMap());
}

/** Notes how to carry on from a call, where anybody will ask. */
export function remember(guard: AgentKavach, answer: Answered, next: NextCall): void {
  const headers = headersOf(answer);
  if (headers !== undefined) ofGuards.get(guard)?.set(headers, next);
}

/** How to carry on from the last of a loop's steps. What is known of the one before it, a whole prompt, is forgotten. */
export function nextCallOf(guard: AgentKavach, steps: readonly Answered[]): NextCall | undefined {
  const calls = ofGuards.get(guard);
  const before = headersOf(steps.at(-2));
  const last = headersOf(steps.at(-1));
  if (before !== undefined && before !== last) calls?.delete(before);
  return last === undefined ? undefined : calls?.get(last);
}

function headersOf(answer: Answered | undefined): object | undefined {
  return fields(fields(answer?.response)?.['headers']);
}
