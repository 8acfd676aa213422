/** The backend's API as commands use it. Every failure is a CliError that says what to do next. */
import type { WireError } from '@agentkavach/core/wire';
import type { Access } from './access.ts';
import { CliError, EXIT, type Io } from './io.ts';

const TIMEOUT_MS = 15_000;

/** What a gateway or a backend that starts or stops answers. */
const AWAY = [502, 503, 504];

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Asks one backend. */
export class Api {
  readonly #access: Pick<Access, 'url' | 'key' | 'isAppKey'>;
  readonly #io: Io;

  constructor(access: Pick<Access, 'url' | 'key' | 'isAppKey'>, io: Io) {
    this.#access = access;
    this.#io = io;
  }

  /** @param path behind `/functions/v1/`, its parts encoded already */
  async ask<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
    const { url, key, isAppKey = false } = this.#access;
    let status: number;
    let text: string;
    try {
      const response = await this.#io.fetch(`${url}/functions/v1/${path}`, {
        method,
        redirect: 'error',
        headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([this.#io.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw new CliError(`${url} can't be reached (${reasonOf(error)}).`, EXIT.unreachable, 'unreachable');
    }
    if (status < 200 || status > 299) throw refusal(status, text, url, isAppKey);
    if (text === '') return undefined as T;
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new CliError(
        `${url} answers, but not as this backend does. Is it the right address?`,
        EXIT.failed,
        'not_a_backend',
      );
    }
  }

  /** All items of a list, page after page, up to `most`. */
  async list<T>(path: string, most = 1_000): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const query: string = `limit=200${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page: Page<T> = await this.ask('GET', `${path}${path.includes('?') ? '&' : '?'}${query}`);
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null && items.length < most);
    return items;
  }
}

/** `fetch` says "fetch failed" and keeps the reason in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  const { cause, message } = error;
  if (!(cause instanceof Error)) return message;
  return 'code' in cause ? String(cause.code) : cause.message;
}

function refusal(status: number, text: string, url: string, isAppKey: boolean): CliError {
  let error: Partial<WireError['error']> = {};
  try {
    error = (JSON.parse(text) as Partial<WireError>).error ?? {};
  } catch {
    // No answer of ours.
  }
  const message = error.message ?? `${url} answered ${status}, which is no answer of this backend.`;
  let hint = error.code === 'agent_not_found' ? ' agentkavach status shows those that have connected.' : '';
  if (status === 403 && isAppKey)
    hint = ` This was AGENTKAVACH_API_KEY, the app's key, since AGENTKAVACH_OPERATOR_KEY is not set. Set that; on the machine of npx agentkavach dev, run this in dev's folder or name its data with --data.`;
  return new CliError(`${message}${hint}`, exitOf(status, error.code), error.code ?? `http_${status}`);
}

function exitOf(status: number, code: string | undefined): CliError['exit'] {
  if (status === 401 || status === 403) return EXIT.denied;
  // Without a code it is another server's 404, not that of an agent.
  if (status === 404) return code === undefined ? EXIT.failed : EXIT.notFound;
  return AWAY.includes(status) ? EXIT.unreachable : EXIT.failed;
}
