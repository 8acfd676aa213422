/** One request to the backend at a time: what is sent, how long it may take, and what its answer means. It keeps no state. */
import { ConfigError } from '../errors.ts';
import { show } from '../show.ts';
import { unlisten } from '../unlisten.ts';
import { BackendError } from '../wire/backend-error.ts';
import {
  WIRE_LIMITS,
  type ConnectAnswer,
  type ConnectRequest,
  type IngestAnswer,
  type IngestRequest,
  type LeasesAnswer,
  type LeasesRequest,
} from '../wire/index.ts';
import { readConnectAnswer, readIngestAnswer, readLeasesAnswer } from './answers.ts';
import { functionsUrl } from './backend-url.ts';
import { isJson, pack, parse, readText } from './body.ts';
import { failure } from './failed-answer.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
const LONGEST_TIMEOUT_MS = 300_000;
/** Of an error's body no more is of interest. */
const MOST_ERROR_BYTES = 65_536;

/** How the backend is reached. */
export interface BackendClientOptions {
  /** The project's URL, `https://…`; `http://` for this machine alone. */
  readonly url: string;
  readonly apiKey: string;
  /** Default: the global `fetch`, looked up at each request. */
  readonly fetch?: typeof fetch | undefined;
  /** Milliseconds for one request, its answer included. Default 10,000. */
  readonly timeoutMs?: number | undefined;
}

/** How a single request may be given up. */
export interface RequestControl {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The backend's HTTP API. Every method throws a {@link BackendError} and nothing else; none tries twice.
 *
 * @example
 * const client = new BackendClient({ url: 'https://your-project.supabase.co', apiKey });
 * const { state, budgets } = await client.connect({ sdk: 'js/0.1.0', instance: crypto.randomUUID(), agent: 'bot', budgets: [] });
 */
export class BackendClient {
  readonly #url: string;
  readonly #apiKey: string;
  readonly #fetch: typeof fetch | undefined;
  readonly #timeoutMs: number;

  /** @throws ConfigError naming `url`, `apiKey` or `timeoutMs` */
  constructor(options: BackendClientOptions) {
    const { url, apiKey, fetch, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    this.#url = functionsUrl(url);
    // A header takes nothing else, and what refuses it may show it in the error.
    if (!/^[\x21-\x7e]{1,512}$/.test(apiKey))
      throw new ConfigError(
        'apiKey must be one word of ASCII characters. Copy the key again, without spaces and line ends.',
        { path: 'apiKey' },
      );
    if (!(timeoutMs > 0 && timeoutMs <= LONGEST_TIMEOUT_MS))
      throw new ConfigError(
        `timeoutMs must be a number from 1 to ${LONGEST_TIMEOUT_MS}, got ${show(timeoutMs)}. Write for example 10000.`,
        { path: 'timeoutMs' },
      );
    this.#apiKey = apiKey;
    this.#fetch = fetch;
    this.#timeoutMs = timeoutMs;
  }

  /** Makes the agent and its budgets known, and asks for everything that holds for them now. */
  connect(request: ConnectRequest, control?: RequestControl): Promise<ConnectAnswer> {
    return this.#ask('connect', 'POST', request, readConnectAnswer, control);
  }

  /** Tells what has happened. */
  ingest(request: IngestRequest, control?: RequestControl): Promise<IngestAnswer> {
    return this.#ask('ingest', 'POST', request, readIngestAnswer, control);
  }

  /** Takes, extends and gives back slices of shared budgets. */
  leases(request: LeasesRequest, control?: RequestControl): Promise<LeasesAnswer> {
    return this.#ask('leases', 'POST', request, readLeasesAnswer, control);
  }

  /**
   * Changes a budget's limit for every process.
   *
   * @param budgetId the backend's id, a UUID
   * @param limit in the user's unit: dollars, tokens or calls
   */
  async setLimit(budgetId: string, limit: number, control?: RequestControl): Promise<void> {
    await this.#ask(`budgets/${encodeURIComponent(budgetId)}`, 'PATCH', { limit }, () => undefined, control);
  }

  async #ask<T>(
    path: string,
    method: 'POST' | 'PATCH',
    request: unknown,
    read: (value: unknown) => T,
    control: RequestControl = {},
  ): Promise<T> {
    const outer = control.signal;
    const { body, headers } = await pack(path, request);
    const abort = new AbortController();
    const giveUp = (): void => abort.abort();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      giveUp();
    }, this.#timeoutMs);
    try {
      if (outer?.aborted === true) giveUp();
      outer?.addEventListener('abort', giveUp);
      const response = await (this.#fetch ?? fetch)(`${this.#url}/${path}`, {
        method,
        headers: { ...headers, accept: 'application/json', authorization: `Bearer ${this.#apiKey}` },
        body,
        // The key must not travel to wherever an answer points.
        redirect: 'error',
        signal: abort.signal,
      });
      return read(await this.#content(path, response, method === 'POST'));
    } catch (error) {
      if (error instanceof BackendError) throw error;
      if (isLate) throw unavailable(path, `gave no complete answer within ${this.#timeoutMs} ms`);
      if (outer?.aborted === true) throw unavailable(path, 'was not waited for any longer');
      throw unavailable(path, `could not be reached (${this.#redact(whyOf(error))})`);
    } finally {
      clearTimeout(timer);
      unlisten(outer, giveUp);
      // Ends what has not been read; what has is not touched.
      giveUp();
    }
  }

  /** The value in a successful answer. */
  async #content(path: string, response: Response, isRepeated: boolean): Promise<unknown> {
    const { status, ok } = response;
    if (!ok) {
      const body = isJson(response) ? parse(await readText(response, MOST_ERROR_BYTES)) : undefined;
      const retryAfter = response.headers.get('retry-after');
      throw failure(path, { status, retryAfter, body, isRepeated }, (text) => this.#redact(text), Date.now());
    }
    if (status === 204) return undefined;
    if (!isJson(response)) throw garbage(path, status, 'is not JSON');
    const text = await readText(response, WIRE_LIMITS.bodyBytes);
    if (text === undefined) throw garbage(path, status, `has more than ${WIRE_LIMITS.bodyBytes} bytes`);
    const value = parse(text);
    if (value === undefined) throw garbage(path, status, `is no complete JSON`);
    return value;
  }

  #redact(text: string): string {
    return text.replaceAll(this.#apiKey, '[key]');
  }
}

function unavailable(path: string, what: string): BackendError {
  return new BackendError(`${path}: the backend ${what}. It is tried again.`, 'unavailable');
}

function garbage(path: string, status: number, what: string): BackendError {
  const message = `${path}: the answer (${status}) ${what}. Is the address that of an AgentKavach backend?`;
  return new BackendError(message, 'garbage', { status });
}

/** What fetch says of a failure, and what lies behind it: `fetch failed: ECONNREFUSED`. Never the error itself. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  const deeper = cause instanceof Error ? ('code' in cause && typeof cause.code === 'string' ? cause.code : cause.message) : ''; // prettier-ignore
  return `${error.message}${deeper === '' ? '' : `: ${deeper}`}`.slice(0, 300);
}
