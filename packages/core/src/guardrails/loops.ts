/**
 * Finds out whether an agent repeats itself, from the conversation that it sends. A pure function: the same conversation
 * always gets the same answer, so that conversations which run at once do not disturb each other.
 */
import type { ToolTurn, Turn } from '../call.ts';
import type { LoopRule } from '../loop-error.ts';
import { sameArguments, sameValue } from './canonical.ts';

/** How often each rule lets the same thing happen; at this count it is a loop. */
export interface LoopThresholds {
  /** The same tool with the same arguments and the same result, in a row. */
  readonly calls: number;
  /** The same where the result is an error. */
  readonly errors: number;
  /** Rounds of a cycle of 2 to {@link LONGEST_CYCLE} calls. */
  readonly cycles: number;
  /** The same message of the model, in a row. */
  readonly messages: number;
}

/** What repeats, by which rule, and how often it was seen in the turns that were looked at. */
export interface Loop {
  readonly rule: LoopRule;
  readonly limit: number;
  readonly count: number;
  /** The calls of one round, or the message, oldest first. */
  readonly pattern: readonly Turn[];
}

/**
 * OpenHands stops after 4 equal actions with equal observations, 3 with errors, 3 equal messages and 3 rounds of two
 * actions (docs.openhands.dev/sdk/guides/agent-stuck-detector).
 */
export const DEFAULT_THRESHOLDS: LoopThresholds = { calls: 4, errors: 3, cycles: 3, messages: 3 };

/** Cycles of more calls than this are not looked for. */
export const LONGEST_CYCLE = 5;

/** How many of the newest turns the rules can need, the calls of one answer as one: each call may have a message of the model and one of the user beside it. */
export function turnsNeeded({ calls, errors, cycles, messages }: LoopThresholds): number {
  return 4 * Math.max(calls, errors, cycles * LONGEST_CYCLE, messages);
}

/**
 * The loop that a conversation ends with, if it does. Walks from the newest turn back and stops where nothing can match
 * any more: after six calls in an ordinary conversation, however long that is.
 *
 * @param turns oldest first
 */
export function findLoop(turns: readonly Turn[], thresholds: LoopThresholds = DEFAULT_THRESHOLDS): Loop | undefined {
  return repeatedMessage(turns, thresholds.messages) ?? repeatedCalls(turns, thresholds);
}

/**
 * What the user says in between. The same text again ("continue") is what a loop's own driver says; anything else is
 * news, and what came before it is no part of the loop.
 */
class Interjections {
  #text: string | undefined;
  #isTrailing = false;
  /** How many matching turns stood between the newest message of the user among them and the end; Infinity without one. */
  #firstAfter = Number.POSITIVE_INFINITY;

  /** @returns false where the row ends here */
  hear(text: string, newer: number): boolean {
    if (this.#text !== undefined && this.#text !== text) return false;
    this.#text = text;
    if (newer === 0) this.#isTrailing = true;
    else this.#firstAfter = Math.min(this.#firstAfter, newer);
    return true;
  }

  /** Whether so many turns from the end are one row: a user who speaks after them only has not yet been answered. */
  allow(length: number): boolean {
    return !this.#isTrailing || this.#firstAfter < length;
  }
}

function repeatedMessage(turns: readonly Turn[], limit: number): Loop | undefined {
  const users = new Interjections();
  let message: Turn | undefined;
  let text = '';
  let count = 0;
  for (let i = turns.length - 1; i >= 0; i--) {
    const turn = turns[i] as Turn;
    if (turn.kind === 'tool') break;
    if (turn.kind === 'user') {
      if (!users.hear(turn.text, count)) break;
      continue;
    }
    const said = turn.text.trim();
    if (said === '') continue;
    if (message !== undefined && said !== text) break;
    message = turn;
    text = said;
    count += 1;
  }
  if (message === undefined || count < limit || !users.allow(limit)) return undefined;
  return { rule: 'repeated-message', limit, count, pattern: [message] };
}

function repeatedCalls(turns: readonly Turn[], thresholds: LoopThresholds): Loop | undefined {
  const users = new Interjections();
  const row = new Row();
  /** What one answer of the model asked for, as far as it is walked. */
  let answer: ToolTurn[] = [];
  /** How many calls from the end repeat with each period; `undefined` while the walk may still lengthen it. */
  const lengths = new Array<number | undefined>(LONGEST_CYCLE + 1).fill(undefined);
  const lengthOf = (period: number): number => lengths[period] ?? row.size;
  const judged = (period: number): Loop | undefined => {
    if (period > 1 && lengthOf(1) >= period) return undefined; // one call again and again is no cycle
    const limit = period > 1 ? thresholds.cycles : row.isError ? thresholds.errors : thresholds.calls;
    const count = Math.floor(lengthOf(period) / period);
    if (count < limit || !users.allow(limit * period)) return undefined;
    const rule = period > 1 ? 'cycle' : row.isError ? 'repeated-error' : 'repeated-call';
    return { rule, limit, count, pattern: row.newest(period) };
  };
  for (let i = turns.length - 1; i >= 0; i--) {
    const turn = turns[i] as Turn;
    if (turn.kind !== 'tool') {
      // What the model says about its calls is no part of them.
      if (turn.kind === 'user' && !users.hear(turn.text, row.size)) break;
      continue;
    }
    if (turn.withNext !== true) answer = [];
    // The model asked for all of them before it saw what any brought: that is asking once.
    if (answer.some((other) => sameCall(turn, other))) continue;
    answer.push(turn);
    let isOpen = false;
    row.add(turn);
    const last = row.size - 1;
    for (let period = 1; period <= LONGEST_CYCLE; period++) {
      if (lengths[period] !== undefined) continue;
      if (last < period || row.same(last, last - period)) isOpen = true;
      else {
        lengths[period] = last;
        const loop = judged(period);
        if (loop !== undefined) return loop;
      }
    }
    if (!isOpen) return undefined;
  }
  for (let period = 1; period <= LONGEST_CYCLE; period++) {
    const loop = lengths[period] === undefined ? judged(period) : undefined;
    if (loop !== undefined) return loop;
  }
  return undefined;
}

/** Calls, newest first, that are compared with each other at most once. */
class Row {
  readonly #calls: ToolTurn[] = [];
  /** Calls of one class are the same; calls of two may be, if nobody has compared them. */
  readonly #classes: number[] = [];
  /** Classes that the oldest call is known not to be in. */
  #others: number[] = [];

  get size(): number {
    return this.#calls.length;
  }

  get isError(): boolean {
    return this.#calls[0]?.isError === true;
  }

  add(call: ToolTurn): void {
    this.#calls.push(call);
    this.#classes.push(this.#calls.length);
    this.#others = [];
  }

  /** Whether the oldest call is the same as a newer one. */
  same(oldest: number, newer: number): boolean {
    const newerClass = this.#classes[newer] as number;
    if (this.#classes[oldest] === newerClass) return true;
    if (this.#others.includes(newerClass)) return false;
    if (sameCall(this.#calls[oldest] as ToolTurn, this.#calls[newer] as ToolTurn)) {
      this.#classes[oldest] = newerClass;
      return true;
    }
    this.#others.push(newerClass);
    return false;
  }

  newest(count: number): readonly ToolTurn[] {
    return this.#calls.slice(0, count).reverse();
  }
}

/** A call that has no result yet is like no other: nobody knows what it will bring. */
function sameCall(a: ToolTurn, b: ToolTurn): boolean {
  return (
    a.name === b.name &&
    a.result !== undefined &&
    b.result !== undefined &&
    (a.isError === true) === (b.isError === true) &&
    sameArguments(a.args, b.args) &&
    sameValue(a.result, b.result)
  );
}
