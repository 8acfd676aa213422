/**
 * One attempt of a chat model: the model as it stands for one request, with the grant's model, output cap and signal, and
 * without retries of its own, since each of them is a call. Model classes read these from their fields, not from the
 * call's options, so that a stand-in shows them other fields.
 */
import type { CallGrant } from '@agentkavach/core';
import type { RawAnswer } from './raw-answer.ts';
import { fields, text, type Fields } from './shape.ts';

/** Fields that a stand-in shows instead of the model's own. */
type Shown = Record<string | symbol, unknown>;
type AnyFunction = (...args: unknown[]) => unknown;

/** The fields under which model classes keep the output cap. */
const CAP_FIELDS = ['maxTokens', 'maxOutputTokens', 'maxCompletionTokens'] as const;
/** The names under which raw parameters, which override the fields, may carry it. */
const CAP_PARAMS = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'maxOutputTokens',
  'maxTokens',
] as const;
/** The fields that hold such raw parameters. */
const RAW_PARAMS = ['modelKwargs', 'invocationKwargs'] as const;
/** Model objects inside a model: ChatOpenAI's two endpoints. */
export const INNER = ['completions', 'responses'] as const;

/** Whether the guard can lower a model's output cap: it has a field for it. */
export function hasCapField(model: object): boolean {
  for (const field of CAP_FIELDS) if (field in model) return true;
  return false;
}

/** Whether the model can be exchanged for another of the same provider. */
export function hasModelField(model: object): boolean {
  return text(Reflect.get(model, 'model')) !== undefined;
}

/** The deployment that a model of Azure asks, whatever its model field says. */
export function deploymentOf(model: object): string | undefined {
  return text(Reflect.get(model, 'azureOpenAIApiDeploymentName'));
}

/** Where model classes keep the address that they were given, and where the arguments that they were made with have it. */
const ADDRESSES = [
  ...['baseURL', 'baseUrl', 'base_url', 'apiUrl', 'anthropicApiUrl', 'serverURL', 'endpoint', 'basePath', 'location'],
  ...['azureOpenAIEndpoint', 'azure_endpoint', 'azureOpenAIBasePath', 'azureOpenAIApiInstanceName', 'openai_api_base'],
];
const CLIENT_OPTIONS = ['clientConfig', 'configuration', 'clientOptions'];

/** The host that a model asks, by the addresses in its fields; `undefined` where there are none. */
export function addressOf(model: unknown): string | undefined {
  const own = fields(model);
  if (own === undefined) return undefined;
  let found = addressIn(own);
  for (const name of CLIENT_OPTIONS) {
    const options = fields(own[name]);
    if (options !== undefined) found += addressIn(options);
  }
  return found === '' ? undefined : found;
}

function addressIn(options: Fields): string {
  let found = '';
  for (const name of ADDRESSES) {
    const address = text(options[name]);
    if (address !== undefined) found += `${address} `;
  }
  return found;
}

/**
 * A stand-in of a model for one attempt. Whatever the model class keeps on itself, such as its client, is kept on the model.
 *
 * @param asked the model id that the request names; where the grant names another, that one is asked
 * @param raw takes the provider's raw answer
 * @param opened called once the provider has answered, before a stream's first chunk
 */
export function standIn<M extends object>(
  model: M,
  asked: string,
  grant: CallGrant,
  raw: RawAnswer,
  opened: () => void,
): M {
  const shown: Shown = { __proto__: null, caller: onceCaller(raw, opened), maxRetries: 0 };
  if (grant.maxOutputTokens !== undefined) showCap(model, grant.maxOutputTokens, shown);
  if (grant.model !== asked) showModel(model, grant.model, shown);
  const client: unknown = Reflect.get(model, 'client');
  if (typeof fields(client)?.['generateContentStream'] === 'function') {
    shown['client'] = googleClient(client as object, grant.model === asked ? undefined : grant.model);
  }
  const clientConfig = fields(Reflect.get(model, 'clientConfig'));
  if (clientConfig?.['maxRetries'] !== undefined) shown['clientConfig'] = { ...clientConfig, maxRetries: 0 };
  for (const key of INNER) {
    const inner: unknown = Reflect.get(model, key);
    if (typeof inner === 'object' && inner !== null) shown[key] = standIn(inner, asked, grant, raw, opened);
  }
  const proxy: M = new Proxy(model, {
    get: (target, key, receiver) => (key in shown ? shown[key] : (Reflect.get(target, key, receiver) as unknown)),
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
  const send: unknown = Reflect.get(model, 'completionWithRetry');
  if (typeof send === 'function') {
    shown['completionWithRetry'] = sender(model, send as AnyFunction, proxy, grant, raw, opened);
  }
  if ('httpClient' in model) shown['httpClient'] = abortable(model.httpClient, grant.signal);
  return proxy;
}

/** LangChain's AsyncCaller, which sends once: the retries are the guard's own. */
function onceCaller(raw: RawAnswer, opened: () => void): object {
  const call = async (send: AnyFunction, ...args: unknown[]): Promise<unknown> => {
    const answer = raw.see(await send(...args));
    opened();
    return answer;
  };
  return {
    maxRetries: 0,
    call,
    callWithOptions: (_options: unknown, send: AnyFunction, ...args: unknown[]) => call(send, ...args),
  };
}

/** ChatGoogleGenerativeAI sends without the call's signal, and ChatMistralAI through a caller of its own making. */
function sender(
  model: object,
  send: AnyFunction,
  self: object,
  grant: CallGrant,
  raw: RawAnswer,
  opened: () => void,
): AnyFunction {
  const hasOwnCaller = 'httpClient' in model;
  return async (request, options = { signal: grant.signal }, ...rest) => {
    const answer: unknown = await Reflect.apply(send, self, [request, options, ...rest]);
    if (!hasOwnCaller) return answer;
    opened();
    return raw.see(answer);
  };
}

function showCap(model: object, cap: number, shown: Shown): void {
  for (const field of CAP_FIELDS) if (field in model) shown[field] = cap;
  for (const key of RAW_PARAMS) {
    const params = fields(Reflect.get(model, key));
    if (params !== undefined && CAP_PARAMS.some((name) => params[name] !== undefined)) {
      shown[key] = capped(params, cap);
    }
  }
}

function capped(params: Fields, cap: number): Fields {
  return Object.fromEntries(
    Object.entries(params).map(([key, value]) => [key, CAP_PARAMS.some((name) => name === key) ? cap : value]),
  );
}

function showModel(model: object, id: string, shown: Shown): void {
  for (const field of ['model', 'modelName'] as const) if (field in model) shown[field] = id;
}

/**
 * Google's client is made for one model. Beside each stream it makes a promise of the whole answer, which nobody awaits
 * and which ends the process where the stream is broken off.
 */
function googleClient(client: object, id: string | undefined): object {
  const start: unknown = Reflect.get(client, 'generateContentStream');
  return Object.create(client, {
    ...(id === undefined ? {} : { model: { value: `models/${id}` } }),
    generateContentStream: {
      async value(this: object, ...args: unknown[]): Promise<unknown> {
        const started: unknown = await Reflect.apply(start as AnyFunction, this, args);
        const response = fields(started)?.['response'];
        if (response instanceof Promise) response.catch(() => undefined);
        return started;
      },
    },
  }) as object;
}

interface HttpClient {
  request(request: Request): Promise<Response>;
}

/** Mistral's SDK is given no signal by ChatMistralAI, but takes its requests to an HTTP client. */
function abortable(own: unknown, signal: AbortSignal): HttpClient {
  const client = own as HttpClient | undefined;
  return {
    request: (request) => {
      const stoppable = new Request(request, { signal: AbortSignal.any([request.signal, signal]) });
      return client === undefined ? fetch(stoppable) : client.request(stoppable);
    },
  };
}
