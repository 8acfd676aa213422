/**
 * Reads a stream of server-sent events as its bytes pass, for the guard that meters it. The bytes go on unchanged, unless
 * an event is to be hidden from the caller.
 * Format: html.spec.whatwg.org/multipage/server-sent-events.html.
 */
import type { StreamMeter } from '../call.ts';
import { openSource, type Source } from '../guarded-stream.ts';
import type { StreamReader } from '../providers/draft.ts';
import { parseObject, type Fields } from './request.ts';

const EMPTY = new Uint8Array(0);

/** The bytes of an answer, and what they say. */
export class EventStream implements AsyncIterableIterator<Uint8Array> {
  readonly #source: Source<Uint8Array>;
  readonly #reader: StreamReader;
  readonly #decoder = new TextDecoder();
  /** The beginning of an event whose end has not come. It may be long, an image for example, so it is not looked through again. */
  #open = '';
  /** Its last characters, which may be part of an empty line. */
  #tail = '';
  /** Events that are not metered yet. */
  #events: Fields[] = [];
  #isLast = false;
  /** The sign that nothing more follows has come: clients leave there, before the stream closes. */
  #saidAll = false;
  /** An error came that is no JSON, so that the reader does not get to see it. */
  #isFailed = false;

  /** @param body may be a stream of Node's, as `node-fetch` has */
  constructor(body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>, reader: StreamReader) {
    this.#source = openSource(body);
    this.#reader = reader;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#isLast) return { done: true, value: undefined };
    const { done, value } = await this.#source.read();
    if (done !== true && value !== undefined) {
      const shown = this.#take(this.#decoder.decode(value, { stream: true }));
      return { done: false, value: shown === undefined ? value : new TextEncoder().encode(shown) };
    }
    this.#isLast = true;
    // What no empty line follows is an event all the same.
    const rest = this.#open + this.#decoder.decode();
    if (rest === '') return { done: true, value: undefined };
    this.#open = '';
    const isHidden = this.#event(rest);
    return {
      done: false,
      value: this.#reader.hides === undefined || isHidden ? EMPTY : new TextEncoder().encode(rest),
    };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#isLast = true;
    await this.#source.cancel(undefined);
    return { done: true, value: undefined };
  }

  /** Tells the guard what the bytes that were read last say. */
  readonly meter = (_bytes: Uint8Array, meter: StreamMeter): void => {
    const events = this.#events;
    if (events.length > 0) {
      this.#events = [];
      for (const event of events) this.#reader.event(event, meter);
    }
    if (this.#saidAll) {
      this.#reader.end?.(meter);
      meter.ended();
    }
    if (this.#isFailed) meter.failed();
  };

  /** Whether the answer's last word has come. */
  readonly isWhole = (): boolean => this.#saidAll || this.#reader.hasEnded;

  /** Takes more text. @returns the events to show, where some may be hidden; `undefined`: all bytes as they came */
  #take(text: string): string | undefined {
    let shown = '';
    let rest = text;
    if (this.#open !== '') {
      const isLonger = endOfEvent(this.#tail + text) < 0;
      rest = this.#open + text;
      if (isLonger) return this.#keep(rest, this.#tail + text, shown);
    }
    const isPlain = !rest.includes('\r');
    for (;;) {
      const end = endOfEvent(rest, isPlain);
      if (end < 0) break;
      const event = rest.slice(0, end);
      if (!this.#event(event)) shown += event;
      rest = rest.slice(end);
    }
    return this.#keep(rest, rest, shown);
  }

  /** Keeps what is open; an empty line has four characters at most. */
  #keep(open: string, end: string, shown: string): string | undefined {
    this.#open = open;
    this.#tail = end.slice(-3);
    return this.#reader.hides === undefined ? undefined : shown;
  }

  /** Reads one event. @returns whether it is to be hidden */
  #event(text: string): boolean {
    const json = dataOf(text);
    if (json.trim() === '[DONE]') this.#saidAll = true;
    const data = parseObject(json);
    if (data === undefined) {
      if (ERROR.test(text)) this.#isFailed = true;
      return false;
    }
    this.#events.push(data);
    return this.#reader.hides?.(data) === true;
  }
}

const ERROR = /^event: ?error\s*$/m;

/** An empty line. A line ends with LF, CR or both: after a CR that is the last to have come, an LF may follow. */
const EMPTY_LINE = /\n\n|[\r\n]\r(?:\n|(?=[^\n]))/;

/** The length of the first event with the empty line that ends it; -1 while that has not come. */
function endOfEvent(text: string, isPlain = !text.includes('\r')): number {
  if (isPlain) {
    const end = text.indexOf('\n\n'); // as all providers write it; far faster
    return end < 0 ? -1 : end + 2;
  }
  const found = EMPTY_LINE.exec(text);
  return found === null ? -1 : found.index + found[0].length;
}

const LINE_END = /[\r\n]/;

/** The data of an event; of one that is no event at all, but an error as bare JSON, the whole. */
function dataOf(event: string): string {
  if (event.startsWith('data:') && event.search(LINE_END) >= event.trimEnd().length) return event.slice(5);
  let data = '';
  for (const line of event.split(LINE_END)) if (line.startsWith('data:')) data += line.slice(5);
  return data === '' && event.trimStart().startsWith('{') ? event : data;
}
