/**
 * What the guard needs to know of one raw HTTP request to a provider: how it is priced, how a grant is written into its
 * body, and how its stream is read. One draft for each endpoint that costs money.
 */
import type { CallRequest, StreamMeter } from '../call.ts';
import type { KeptItems } from './kept-items.ts';
import type { ResponseFigures } from './response.ts';
import type { Fields } from './usage-fields.ts';

/** One request as it is about to be sent. */
export interface RawCall {
  /** `openai`, `azure`, `anthropic`, `google`, `google-vertex`, `mistral`, or a router's name. */
  readonly provider: string;
  /** The address without its query. */
  readonly path: string;
  /** The JSON body as an object; of a form, its texts. */
  readonly body: Fields;
  /** What is known of the items that the provider keeps for this client. Default: nothing. */
  readonly kept?: KeptItems | undefined;
}

/** What is granted: what the body must carry. */
export interface Granted {
  readonly model: string;
  /** `undefined`: the caller's own cap, or none. */
  readonly maxOutputTokens: number | undefined;
}

/** Reads one stream: each event's JSON, in order. */
export interface StreamReader {
  /** Takes note of one event. */
  event(data: Fields, meter: StreamMeter): void;
  /** Takes the sign that nothing more follows, `[DONE]`: what was counted so far is final. May be told more than once. */
  end?(meter: StreamMeter): void;
  /** Whether the answer has said how it ends. A stream that closes before that was cut short. */
  readonly hasEnded: boolean;
  /** Whether the caller must not see an event, because only the guard asked for it. Left out: nothing is hidden. */
  readonly hides?: ((data: Fields) => boolean) | undefined;
}

/** A priced request. */
export interface Draft {
  readonly request: CallRequest;
  /** Whether the answer is a stream of server-sent events. */
  readonly isStream: boolean;
  /** What a hard limit can't hold about it, and what to do instead. */
  readonly refusal?: Refusal | undefined;
  /** Fields that a hard limit needs in the body besides: how often the provider may use its own tools. */
  readonly ceilings?: Fields | undefined;
  /** The body's top-level fields to write, so that the provider is asked for no more than was granted. */
  edits(grant: Granted): Fields;
  /** The address to send to, where the model stands in it. Default: as it is. */
  path?(grant: Granted): string;
  /** A reader of the answer's stream. */
  reader?(): StreamReader;
  /** The figures of a whole answer. */
  figures(body: unknown): ResponseFigures;
}

/** Why a hard limit refuses a request. */
export interface Refusal {
  /** The field or endpoint. */
  readonly path: string;
  /** What is wrong with it, and what to do instead: half a sentence that `or set mode: 'soft'` follows. */
  readonly reason: string;
}

/**
 * What an endpoint means for a budget: it is free; nobody can price it, for the reason given; or it is drafted. Whatever
 * has no rule is not free.
 */
export type Rule = 'free' | { readonly unpriceable: string } | ((call: RawCall) => Draft);

/** A provider's endpoints: the first pattern that fits the end of the path decides. */
export type Endpoints = readonly (readonly [pattern: RegExp, rule: Rule])[];

const UNKNOWN: Rule = {
  unpriceable:
    'AgentKavach does not know this endpoint, so it can’t tell what a call costs. Send it with a client that is not wrapped and book its cost with guard.charge()',
};

/** The rule of a request. Reading and deleting cost nothing anywhere; to change a thing may keep it longer. */
export function ruleOf(endpoints: Endpoints, method: string, path: string): Rule {
  if (method !== 'POST' && method !== 'PUT' && method !== 'PATCH') return 'free';
  for (const [pattern, rule] of endpoints) if (pattern.test(path)) return rule;
  return UNKNOWN;
}
