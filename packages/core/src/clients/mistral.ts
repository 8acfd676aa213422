/** Wraps Mistral's client: its public `httpClient` option takes whatever sends a Request. */
import type { Engine } from '../engine.ts';
import type { Fetch } from '../transport/request.ts';
import { lazyFetch } from './load.ts';
import { checkTaken } from './taken.ts';
import { unwrapped } from './unwrapped.ts';
import { markWrapped } from './wrapped-clients.ts';

/** What sends requests for a client of Mistral's (`HTTPClient` of its SDK). */
interface HttpClient {
  request(request: Request): Promise<Response>;
}

/** What is used of a client: every SDK that the generator makes keeps its options. */
export interface MistralClient {
  readonly _options: { readonly httpClient?: HttpClient | undefined };
}

/** A client like the given one, under the guard. The given one stays as it is. */
export function wrapMistral<C extends MistralClient>(engine: Engine, client: C): C {
  const own = client._options.httpClient;
  const inner: Fetch =
    own === undefined
      ? (input, init) => fetch(input, init)
      : (input, init) => own.request(input instanceof Request && init === undefined ? input : new Request(input, init));
  const guarded = lazyFetch(engine, 'mistral', inner);
  const httpClient: HttpClient = { request: (request) => guarded(request) };
  const Client = client.constructor as new (options: object) => C;
  const wrapped = new Client({ ...client._options, httpClient });
  checkTaken(wrapped, wrapped._options.httpClient === httpClient);
  return markWrapped(engine, unwrapped(wrapped));
}
