/** Reads what a client hands to `fetch`: address, method, body and signal, whatever shape they have. */

/** A JSON object whose fields nobody has checked. */
export type Fields = Readonly<Record<string, unknown>>;

/** The `fetch` that a client calls. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * Under this symbol a client may hand over the object that it made the body from, so that it need not be parsed again. It
 * stands on the RequestInit, which clients copy field by field.
 */
export const BODY: unique symbol = Symbol('agentkavach.body');

/** A request before it is sent. */
export interface OutgoingRequest {
  readonly url: string;
  /** The address without its query. */
  readonly path: string;
  /** In upper case. */
  readonly method: string;
  readonly init: RequestInit;
  readonly signal: AbortSignal | undefined;
}

/** A request's address, method and signal. The body is not touched. */
export function outgoing(input: string | URL | Request, init: RequestInit = {}): OutgoingRequest {
  const isRequest = typeof input === 'object' && 'url' in input;
  const url = isRequest ? input.url : String(input);
  const request = isRequest ? { ...settingsOf(input), ...init } : init;
  const query = url.search(/[?#]/);
  const origin = url.indexOf('/', url.indexOf('://') + 3);
  return {
    url,
    path: origin < 0 ? '/' : url.slice(origin, query < 0 ? undefined : query),
    method: request.method?.toUpperCase() ?? 'GET',
    init: request,
    signal: request.signal ?? undefined,
  };
}

/** What a Request object says, as an init; its body is read apart. */
function settingsOf({ method, headers, signal, redirect, credentials, mode, cache, keepalive }: Request): RequestInit {
  return {
    method,
    headers,
    signal,
    redirect,
    credentials,
    mode: mode === 'navigate' ? 'cors' : mode,
    cache,
    keepalive,
  };
}

/** A request's body: the JSON text and its object, or the texts of a form. */
export interface ReadBody {
  /** `undefined`: the body is no JSON object, and can't be edited. */
  readonly text: string | undefined;
  readonly fields: Fields;
  /** What to send where nothing is edited. */
  readonly raw: RequestInit['body'];
}

/** A body that can be read without waiting; `undefined` where it can't. */
export function readBody({ body }: RequestInit, known: unknown): ReadBody | undefined {
  if (typeof body === 'string') return readText(body, known);
  if (body instanceof FormData) return { text: undefined, fields: Object.fromEntries(body.entries()), raw: body };
  if (body instanceof Uint8Array) return readText(new TextDecoder().decode(body), undefined);
  return undefined;
}

/** A body that has to be waited for: a Request object's, or one that is made as it is sent. */
export async function bodyOf(input: string | URL | Request, { body }: RequestInit): Promise<ReadBody> {
  if (body !== undefined && body !== null) return readText(await new Response(body).text(), undefined);
  return readText(typeof input === 'object' && 'text' in input ? await input.text() : '', undefined);
}

/** A text as a body. What is no JSON object has no fields: the guard then misses the model, and says so. */
function readText(text: string, known: unknown): ReadBody {
  const parsed = typeof known === 'object' && known !== null ? (known as Fields) : parseObject(text);
  return { text: parsed === undefined ? undefined : text, fields: parsed ?? {}, raw: text };
}

/** JSON text as an object; `undefined` for anything else. */
export function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an answer is a stream of server-sent events. */
export function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}
