/** The backend's API as commands use it. Every failure is a CliError that says what to do next. */
import type { WireError } from '@agentkavach/core/wire';
import type { Access } from './access.ts';
import { CliError, EXIT, type Io } from './io.ts';

const TIMEOUT_MS = 15_000;

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Asks one backend. */
export class Api {
  readonly #access: Access;
  readonly #io: Io;

  constructor(access: Access, io: Io) {
    this.#access = access;
    this.#io = io;
  }

  /** @param path behind `/functions/v1/`, its parts encoded already */
  async ask<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
    const { url, key } = this.#access;
    let response: Response;
    try {
      response = await this.#io.fetch(`${url}/functions/v1/${path}`, {
        method,
        redirect: 'error',
        headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([this.#io.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
    } catch (error) {
      const { cause, message } = error as Error;
      const why = cause instanceof Error && 'code' in cause ? String(cause.code) : message;
      throw new CliError(
        `${url} can't be reached (${why}). Is the backend running? npx agentkavach doctor looks into it.`,
        EXIT.unreachable,
        'unreachable',
      );
    }
    const text = await response.text();
    if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
    throw refusal(response.status, text, url);
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

function refusal(status: number, text: string, url: string): CliError {
  let error: Partial<WireError['error']> = {};
  try {
    error = (JSON.parse(text) as Partial<WireError>).error ?? {};
  } catch {
    // No answer of ours.
  }
  const message = error.message ?? `${url} answered ${status}, which is no answer of this backend.`;
  const exit = status === 401 || status === 403 ? EXIT.denied : status === 404 ? EXIT.notFound : EXIT.failed;
  return new CliError(message, exit, error.code ?? `http_${status}`);
}
