/** Collects the turns of a conversation that is read from its newest message back: results come before the calls they answer. */
import type { Turn } from '../call.ts';
import { fields, type Fields } from './usage-fields.ts';

interface Result {
  readonly value: unknown;
  readonly isError: boolean;
}

/** The turns seen so far. */
export class TurnsBackwards {
  readonly #newestFirst: Turn[] = [];
  /** Results that wait for their call. Some providers give every turn's first call the same id: the newest call comes first. */
  readonly #results = new Map<string, Result[]>();
  /** Whether the turn seen last is a call, and nothing has come since: an older call is of the same answer then. */
  #isAfterCall = false;
  #count = 0;

  /** @param most so many turns are enough, the calls of one answer counted as one */
  constructor(readonly most: number) {}

  get isFull(): boolean {
    return this.#count >= this.most;
  }

  /** The turns, oldest first. */
  get turns(): readonly Turn[] {
    return this.#newestFirst.toReversed();
  }

  /** What a tool answered. @param id what links it to its call: the call's id, or the tool's name where there are none */
  result(id: unknown, value: unknown, isError = false): void {
    this.#isAfterCall = false;
    if (typeof id !== 'string') return;
    const waiting = this.#results.get(id);
    if (waiting === undefined) this.#results.set(id, [{ value, isError }]);
    else waiting.push({ value, isError });
  }

  /** What the model called. */
  call(id: unknown, name: unknown, args: unknown): void {
    if (typeof name !== 'string') return;
    const result = this.#results.get(typeof id === 'string' ? id : name)?.shift();
    const withNext = this.#isAfterCall || undefined;
    if (withNext === undefined) this.#count += 1;
    this.#newestFirst.push({ kind: 'tool', name, args, result: result?.value, isError: result?.isError, withNext });
    this.#isAfterCall = true;
  }

  /** What was said. A message without text is none. */
  say(kind: 'assistant' | 'user', text: string): void {
    this.#isAfterCall = false;
    if (text === '') return;
    this.#newestFirst.push({ kind, text });
    this.#count += 1;
  }

  /**
   * What the user said. Images and files are not compared: a message with one of them is like no other.
   *
   * @param hasMore whether there is anything but text in it
   */
  hear(text: string, hasMore: boolean): void {
    this.say('user', hasMore ? `${text}\n[attachment ${this.#newestFirst.length}]` : text);
  }
}

/** Marks that move through a conversation from request to request and say nothing of its content. */
const MARKS = new Set(['cache_control', 'providerOptions', 'providerMetadata']);

/**
 * What the blocks of a tool's answer say, without what differs from request to request: one text where all are text.
 *
 * @param content a text, or a list of content blocks; anything else comes back as it is
 * @example contentOf([{ type: 'text', text: 'found', cache_control: { type: 'ephemeral' } }]) // 'found'
 */
export function contentOf(content: unknown): unknown {
  if (!Array.isArray(content)) return content;
  const blocks = content as readonly unknown[];
  const texts = blocks.map((block) => (typeof block === 'string' ? block : textOf(fields(block))));
  return texts.every((text) => text !== undefined) ? texts.join('\n') : blocks.map(withoutMarks);
}

/** The text of a block that is text, under any of its providers' names. */
export function textOf(block: Fields | undefined): string | undefined {
  const text = block?.['text'];
  return typeof text === 'string' && TEXT.has(block?.['type']) ? text : undefined;
}

const TEXT = new Set<unknown>(['text', 'input_text', 'output_text']);

function withoutMarks(block: unknown): unknown {
  const known = fields(block);
  return known === undefined ? block : Object.fromEntries(Object.entries(known).filter(([key]) => !MARKS.has(key)));
}
