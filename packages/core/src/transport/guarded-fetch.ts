/**
 * A `fetch` under the guard: each HTTP request that costs money is one call. Whatever a client does above it (retries,
 * helpers, polling, tool loops) ends in requests, so this one place sees all of them.
 */
import { ConfigError } from '../errors.ts';
import type { CallGrant, CallRequest } from '../call.ts';
import { sayOnce } from '../config/say-once.ts';
import type { Engine } from '../engine.ts';
import { guardedCall } from '../guarded-call.ts';
import { guardedStream } from '../guarded-stream.ts';
import { ruleOf, type Draft, type Endpoints, type Refusal, type Rule } from '../providers/draft.ts';
import { keptItemsOf, type KeptItems } from '../providers/kept-items.ts';
import { ENCLOSING } from '../scope.ts';
import { answerLike, brokenAnswer, ErrorStatus, LostBody, readWhole, WITHOUT_BODY } from './answer.ts';
import { editedBody } from './body-edit.ts';
import { EventStream } from './event-stream.ts';
import {
  bodyOf,
  isEventStream,
  outgoing,
  readBody,
  type Fetch,
  type Fields,
  type OutgoingRequest,
  type ReadBody,
} from './request.ts';
import { wholeAsStream } from './whole-stream.ts';

const UNREADABLE =
  'the request’s body is no JSON object, so neither its input nor its output cap can be read. Send it as JSON, uncompressed';

/** What a client speaks. */
export interface Dialect {
  /** The provider at an address, by the names of the price catalog. */
  provider(url: string): string;
  /** The same for its prices, where an address has some of its own. */
  pricedAs?(url: string): string | undefined;
  /** What each of its paths costs. */
  endpoints(provider: string): Endpoints;
}

/** What an address means for a budget. */
interface Target {
  readonly url: string;
  readonly method: string;
  /** Without the query, in which a key may stand. */
  readonly address: string;
  readonly provider: string;
  readonly pricedAs: string | undefined;
  readonly rule: Rule;
  readonly kept: KeptItems;
}

function targetAt(engine: Engine, dialect: Dialect, { url, path, method }: OutgoingRequest): Target {
  const provider = dialect.provider(url);
  const rule = ruleOf(dialect.endpoints(provider), method, path);
  const address = url.replace(/[?#].*/, '');
  const kept = keptItemsOf(engine, /^[^/]*\/\/[^/?#]*/.exec(url)?.[0]);
  return { url, method, address, provider, pricedAs: dialect.pricedAs?.(url), rule, kept };
}

/**
 * Guards a client's `fetch`.
 *
 * @param inner sends the request
 * @returns rejects with a KavachError when a request is refused or stopped; nothing was sent where it was refused
 */
export function guardedFetch(engine: Engine, dialect: Dialect, inner: Fetch): Fetch {
  let target: Target | undefined; // most clients ask one address again and again
  return async (input, init) => {
    if (!engine.policy.enabled) return inner(input, init);
    const sent = outgoing(input, init);
    if (target?.url !== sent.url || target.method !== sent.method) target = targetAt(engine, dialect, sent);
    const { address, provider, pricedAs, rule, kept } = target;
    if (rule === 'free') return inner(input, init);
    if (typeof rule === 'object') {
      refuse(engine, { path: `${sent.method} ${sent.path}`, reason: rule.unpriceable });
      return inner(input, init);
    }
    const body = readBody(sent.init) ?? (await bodyOf(input, sent.init));
    if (body.text === undefined && !(body.raw instanceof FormData))
      refuse(engine, { path: 'body', reason: UNREADABLE });
    const draft = rule({ provider, path: sent.path, body: body.fields, kept });
    if (draft.refusal !== undefined) refuse(engine, draft.refusal);
    const asked = pricedAs ?? draft.request.provider;
    return send(engine, inner, sent, body, draft, { ...draft.request, provider: asked, address });
  };
}

/** Refuses under a hard limit what it can't hold. The other modes let it pass, and say once that they don't see its cost. */
function refuse({ policy: { mode, agentName } }: Engine, { path, reason }: Refusal): void {
  if (mode === 'hard')
    throw new ConfigError(`A hard limit can't hold ${path}: ${reason}, or set mode: 'soft'.`, { path });
  sayOnce(`unpriced ${agentName} ${path}`, `agent ${agentName}: ${path} is not fully covered: ${reason}.`);
}

async function send(
  engine: Engine,
  inner: Fetch,
  sent: OutgoingRequest,
  body: ReadBody,
  draft: Draft,
  priced: CallRequest,
): Promise<Response> {
  const request: CallRequest = { ...priced, signal: sent.signal, identity: ENCLOSING };
  const isHard = engine.policy.mode === 'hard';
  const ask = (grant: CallGrant): Promise<Response> =>
    inner(addressOf(sent, draft, grant), initOf(sent, body, editsOf(draft, grant, isHard), grant));
  try {
    return draft.isStream ? await streamed(engine, request, ask, draft) : await whole(engine, request, ask, draft);
  } catch (error) {
    if (error instanceof ErrorStatus) return error.response;
    if (error instanceof LostBody && sent.signal?.aborted !== true) return brokenAnswer(error);
    throw error instanceof LostBody ? error.cause : error;
  }
}

function whole(
  engine: Engine,
  request: CallRequest,
  ask: (grant: CallGrant) => Promise<Response>,
  draft: Draft,
): Promise<Response> {
  return guardedCall(engine, request, async (grant) => readWhole(await ask(grant), draft.figures));
}

async function streamed(
  engine: Engine,
  request: CallRequest,
  ask: (grant: CallGrant) => Promise<Response>,
  draft: Draft,
): Promise<Response> {
  let response: Response | undefined;
  const stream = await guardedStream<Uint8Array>(engine, request, async (grant) => {
    response = await ask(grant);
    if (!response.ok) throw new ErrorStatus(response);
    if (WITHOUT_BODY.has(response.status)) throw new LostBody(response, new TypeError('The answer has no body.'));
    const reader = draft.reader?.();
    // A fetch without streams has no body at all.
    const body = response.body as Response['body'] | undefined;
    if (reader === undefined || body === undefined || body === null || !isEventStream(response))
      return wholeAsStream(await readWhole(response, draft.figures));
    const events = new EventStream(body, reader);
    return { stream: events, meter: events.meter, isWhole: events.isWhole };
  });
  return answerLike(response ?? new Response(), stream);
}

function addressOf({ url, path }: OutgoingRequest, draft: Draft, grant: CallGrant): string {
  const wanted = draft.path?.(grant) ?? path;
  return wanted === path ? url : url.replace(path, wanted);
}

function editsOf(draft: Draft, grant: CallGrant, isHard: boolean): Fields {
  const edits = draft.edits(grant);
  return isHard && draft.ceilings !== undefined ? { ...draft.ceilings, ...edits } : edits;
}

/** What is sent: the granted cap and model in the body, and a signal that the guard can abort. */
function initOf(
  { init }: OutgoingRequest,
  { text, fields, raw }: ReadBody,
  edits: Fields,
  { signal }: CallGrant,
): RequestInit {
  const body = text === undefined ? raw : editedBody(text, fields, edits);
  return { ...init, signal, ...(body === undefined ? {} : { body }) };
}
