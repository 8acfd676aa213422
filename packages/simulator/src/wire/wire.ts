/** The port between the simulator and a provider's wire format: how to read a request, and how to say an answer. */
import type { Answer } from '../answer.ts';
import type { JsonObject } from '../json.ts';
import type { Api, Asked, Provider } from '../request.ts';

/** Bytes of a stream that are written together. */
export interface Frame {
  readonly bytes: string;
  /** Output tokens that these bytes carry, hidden ones included. Default 0. */
  readonly tokens?: number;
  /** `delta`: counts as a chunk of the answer. `end`: the first of the closing frames. */
  readonly kind?: 'delta' | 'end';
}

/** One of a provider's interfaces. */
export interface Wire {
  readonly provider: Provider;
  readonly api: Api;
  /** @throws BadRequest when the provider would refuse the body */
  read(body: JsonObject, target: Target): Asked;
  /** The answer as one JSON body. */
  whole(answer: Answer): unknown;
  /** The answer as a stream; formats without streams leave it out. */
  stream?(answer: Answer): Iterable<Frame>;
}

/** What the path says, where the format keeps it there (Google). */
export interface Target {
  readonly model: string | undefined;
  readonly streamed: boolean;
  /** Whether the path's method is a batch (Google's `batchEmbedContents`). */
  readonly batch: boolean;
}

/** The provider would answer 400. */
export class BadRequest extends Error {
  constructor(
    message: string,
    readonly param?: string,
  ) {
    super(message);
    this.name = 'BadRequest';
  }
}

/** A server-sent event without a name. */
export const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

/** A server-sent event whose name is the value's `type`. */
export const named = <T extends { readonly type: string }>(value: T): string =>
  `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;

/** Joins the tokens of an answer. */
export const join = (tokens: readonly string[]): string => tokens.join('');

/** The required field as a string. */
export function required(body: JsonObject, field: string): string {
  const value = body[field];
  if (typeof value === 'string' && value !== '') return value;
  throw new BadRequest(`Missing required parameter: '${field}'.`, field);
}

/** A positive whole number where the field is set. */
export function cap(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw new BadRequest(
    `Invalid value for '${field}': expected an integer of at least 1, got ${JSON.stringify(value)}.`,
    field,
  );
}
