/**
 * Wraps Google's client (@google/genai 3.3): a new one of the same class on the guard's fetch, which is a public option
 * (`httpOptions.fetch`). The class keeps no list of its options, so they are read back from its fields; what it keeps nowhere
 * else, the credentials of Vertex AI, is taken over with the private `apiClient`. All that depends on it stands here.
 */
import { sayOnce } from '../config/say-once.ts';
import type { Engine } from '../engine.ts';
import { ConfigError, KavachError } from '../errors.ts';
import { isEventStream, type Fetch } from '../transport/request.ts';
import { lazyFetch } from './load.ts';
import { checkTaken } from './taken.ts';
import { unwrapped } from './unwrapped.ts';
import { markWrapped } from './wrapped-clients.ts';

/** What is used of a client. */
export interface GoogleClient {
  readonly vertexai: boolean;
  readonly models: object;
}

/** The fields of a client that are its options. */
const OPTIONS = ['vertexai', 'apiKey', 'project', 'location', 'apiVersion'] as const;

/** A client like the given one, under the guard. The given one stays as it is. */
export function wrapGoogle<C extends GoogleClient>(engine: Engine, client: C): C {
  const httpOptions = Reflect.get(client, 'httpOptions') as { fetch?: Fetch } | undefined;
  const fetch = guardedFor(engine, httpOptions?.fetch ?? ((input, init) => globalThis.fetch(input, init)));
  const options: Record<string, unknown> = { httpOptions: { ...httpOptions, fetch } };
  for (const name of OPTIONS) {
    const value: unknown = Reflect.get(client, name);
    if (value !== undefined) options[name] = value;
  }
  const Client = client.constructor as new (options: object) => C;
  const wrapped = new Client(options);
  checkTaken(wrapped, (Reflect.get(wrapped, 'httpOptions') as { fetch?: Fetch } | undefined)?.fetch === fetch);
  takeOverCredentials(client, wrapped);
  guardGivenFetches(engine, wrapped, fetch);
  refuseLive(engine, wrapped);
  return markWrapped(engine, unwrapped(wrapped));
}

/** The guard's fetch on another, with errors that the client does not take for a lost connection. */
function guardedFor(engine: Engine, inner: Fetch): Fetch {
  const guarded = lazyFetch(engine, 'google', inner);
  return async (input, init) => {
    try {
      return cancelledOnLeaving(await guarded(input, init));
    } catch (error) {
      // The client's retries take any error for a lost connection, except a TypeError (p-retry 4).
      if (KavachError.isInstance(error)) throw new TypeError(error.message, { cause: error });
      throw error;
    }
  };
}

/** A request may bring a fetch of its own (`config.httpOptions.fetch`), which the client takes instead of the guard's. */
function guardGivenFetches(engine: Engine, client: GoogleClient, ours: Fetch): void {
  const transport = Reflect.get(client, 'apiClient') as Record<string, unknown> | undefined;
  const inherited = transport?.['patchHttpOptions'];
  if (transport === undefined || typeof inherited !== 'function') return;
  transport['patchHttpOptions'] = (...args: unknown[]): unknown => {
    const patched = Reflect.apply(inherited, transport, args) as { fetch?: Fetch };
    if (patched.fetch === undefined || patched.fetch === ours) return patched;
    return { ...patched, fetch: guardedFor(engine, patched.fetch) };
  };
}

/**
 * The client lets go of a stream's reader when its consumer leaves, and cancels nothing: the provider would go on, and the
 * guard would wait for reads. Letting go is taken for leaving.
 */
function cancelledOnLeaving(response: Response): Response {
  const { body } = response;
  if (body === null || !isEventStream(response)) return response;
  const getReader = body.getReader.bind(body) as () => ReadableStreamDefaultReader<Uint8Array>;
  const leaving = (): ReadableStreamDefaultReader<Uint8Array> => {
    const reader = getReader();
    const releaseLock = reader.releaseLock.bind(reader);
    reader.releaseLock = () => {
      reader.cancel().catch(() => undefined); // at the stream's end it changes nothing
      releaseLock();
    };
    return reader;
  };
  Object.defineProperty(body, 'getReader', { value: leaving });
  return response;
}

/** Credentials that were given in code (`googleAuthOptions`) live in the client's transport alone. */
function takeOverCredentials(from: GoogleClient, to: GoogleClient): void {
  const auth: unknown = optionsOf(from)?.['auth'];
  const options = optionsOf(to);
  if (from.vertexai && auth !== undefined && options !== undefined) options['auth'] = auth;
}

function optionsOf(client: GoogleClient): Record<string, unknown> | undefined {
  const transport = Reflect.get(client, 'apiClient') as { clientOptions?: Record<string, unknown> } | undefined;
  return transport?.clientOptions;
}

/** A live session is a socket, which no fetch sees; one that makes music is another. */
function refuseLive(engine: Engine, client: GoogleClient): void {
  const live = Reflect.get(client, 'live') as Record<string, unknown> | undefined;
  refuseConnect(engine, live, 'live.connect');
  refuseConnect(engine, live?.['music'] as Record<string, unknown> | undefined, 'live.music.connect');
}

function refuseConnect({ policy }: Engine, sessions: Record<string, unknown> | undefined, path: string): void {
  const connect = sessions?.['connect'];
  if (sessions === undefined || typeof connect !== 'function' || !policy.enabled) return;
  const reason =
    'a live session is billed as it goes on, over a socket that the guard can’t see. Open it with a client that is not wrapped and book its cost with guard.charge()';
  sessions['connect'] = (...args: unknown[]): unknown => {
    if (policy.mode === 'hard')
      return Promise.reject(
        new ConfigError(`A hard limit can't hold ${path}: ${reason}, or set mode: 'soft'.`, { path }),
      );
    sayOnce(`google ${path}`, `agent ${policy.agentName}: ${path} is not covered: ${reason}.`);
    return Reflect.apply(connect as (...given: unknown[]) => unknown, sessions, args);
  };
}
