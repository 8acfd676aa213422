/** Reads what a client hands to `fetch`: address, method, body and signal, whatever shape they have. */

/** A JSON object whose fields nobody has checked. */
export type Fields = Readonly<Record<string, unknown>>;

/** The `fetch` that a client calls. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * Under this symbol a client may hand over what it made the body from, so that it need not be parsed again. It stands on the
 * RequestInit, which clients copy field by field.
 */
export const BODY: unique symbol = Symbol('agentkavach.body');

/** A body's text, and the same as an object that nobody changes. */
export interface KnownBody {
  readonly text: string;
  readonly fields: Fields;
}

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
  const request = isRequest ? { ...settingsOf(input), ...stated(init) } : init;
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

/** What an init says beside a Request: to `fetch`, a field that is undefined is not there. */
function stated(init: RequestInit): RequestInit {
  const copy = { ...init };
  for (const [key, value] of Object.entries(copy)) if (value === undefined) Reflect.deleteProperty(copy, key);
  return copy;
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
export function readBody(init: RequestInit): ReadBody | undefined {
  const { body } = init;
  if (typeof body === 'string') {
    const known = Reflect.get(init, BODY) as KnownBody | undefined;
    // Whoever put another body in between, a guard above this one for example, has left the object of the old one.
    return known?.text === body ? { text: body, fields: known.fields, raw: body } : readText(body);
  }
  if (body instanceof FormData) return { text: undefined, fields: fieldsOfForm(body), raw: body };
  if (body instanceof Uint8Array) return readText(new TextDecoder().decode(body));
  return undefined;
}

/** A form's fields; one that stands there several times, such as images to edit, is a list. */
function fieldsOfForm(form: FormData): Fields {
  const fields: Record<string, unknown> = {};
  for (const name of new Set(form.keys())) {
    const values = form.getAll(name);
    fields[name] = values.length === 1 ? values[0] : values;
  }
  return fields;
}

/** A body that has to be waited for: a Request object's, or one that is made as it is sent. */
export async function bodyOf(input: string | URL | Request, { body }: RequestInit): Promise<ReadBody> {
  if (body !== undefined && body !== null) return readText(await new Response(body).text());
  return readText(typeof input === 'object' && 'text' in input ? await input.text() : '');
}

/** A text as a body. What is no JSON object has no fields. */
function readText(text: string): ReadBody {
  const parsed = parseObject(text);
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
  return headers.get('content-type')?.toLowerCase().startsWith('text/event-stream') === true;
}
