/** The simulator: an HTTP server on localhost that takes requests, asks the script and keeps the ledger. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { billFor, compose, inputUsage } from './answer.ts';
import { failureOf, sendError, serve } from './exchange.ts';
import type { JsonObject } from './json.ts';
import { isObject } from './json.ts';
import type { LedgerEntry, OpenEntry } from './ledger.ts';
import { Ledger } from './ledger.ts';
import type { PriceTable } from './prices.ts';
import { findPrice, PRICES } from './prices.ts';
import type { Asked, Provider, SimulatedRequest } from './request.ts';
import type { Route } from './routes.ts';
import { BASE_PATHS, findRoute, providerOf } from './routes.ts';
import type { Script, ScriptRule } from './script.ts';
import { scriptFrom } from './script.ts';
import { countInput, readPrompt } from './tokens.ts';
import { errorBody } from './wire/errors.ts';

/** How to start a simulator. */
export interface SimulatorOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** What the model answers, as code or as rules. Default: a short text to every request. */
  readonly script?: Script | readonly ScriptRule[];
  /** Makes ids differ between simulators. Default 1. */
  readonly seed?: number;
  /** Prices beside the simulator's own, in dollars per million tokens: for models that don't exist. */
  readonly prices?: PriceTable;
}

/** A request that arrived, and its place in the ledger. */
export interface StartedRequest {
  readonly request: SimulatedRequest;
  readonly entry: LedgerEntry;
}

interface Waiter {
  readonly wants: (started: StartedRequest) => boolean;
  readonly resolve: (started: StartedRequest) => void;
}

/**
 * Starts a simulator on 127.0.0.1.
 *
 * @example
 * await using sim = await startSimulator({ script: () => ({ tokens: 200 }) });
 * const openai = createOpenAI({ baseURL: sim.baseURL('openai'), apiKey: 'any' });
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = new Simulator(options);
  await simulator.listen(options.port ?? 0);
  return simulator;
}

/** A running simulator; see `startSimulator`. */
export class Simulator implements AsyncDisposable {
  /** What was billed. */
  readonly ledger = new Ledger();
  readonly #server: Server;
  readonly #prices: PriceTable;
  readonly #seed: number;
  #script: Script = () => ({});
  #waiters: Waiter[] = [];
  #port = 0;

  constructor(options: SimulatorOptions) {
    this.#prices = { ...PRICES, ...options.prices };
    this.#seed = options.seed ?? 1;
    if (options.script) this.script(options.script);
    // No time-outs of its own: a held or hung call stays open as long as the test wants.
    this.#server = createServer(
      { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 60_000 },
      (request, response) => {
        this.#receive(request, response).catch(() => response.destroy());
      },
    );
  }

  /** The address, without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The base URL to give to a provider's client, for example `http://127.0.0.1:4000/openai/v1`. */
  baseURL(provider: Provider): string {
    return `${this.url}${BASE_PATHS[provider]}`;
  }

  /** Replaces the script for the requests that arrive from now on. */
  script(next: Script | readonly ScriptRule[]): void {
    this.#script = typeof next === 'function' ? next : scriptFrom(next);
  }

  /** Resolves at the next request that arrives from now on (and fits), before the script is asked. */
  nextRequest(fits: (request: SimulatedRequest) => boolean = () => true): Promise<StartedRequest> {
    return new Promise((resolve) => this.#waiters.push({ wants: ({ request }) => fits(request), resolve }));
  }

  /** Resolves once so many requests have arrived since the simulator started. */
  async started(requests: number): Promise<void> {
    if (this.ledger.requests >= requests) return;
    await new Promise((resolve) => this.#waiters.push({ wants: ({ entry }) => entry.id >= requests, resolve }));
  }

  /** Listens; called by `startSimulator`. */
  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host: '127.0.0.1', backlog: 4096 }, resolve);
    });
    const address = this.#server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Breaks off what is open and stops; resolves when every entry has ended. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
    await this.ledger.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #receive(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(message);
    const url = new URL(message.url ?? '/', this.url);
    const route = findRoute(message.method, url);
    if (!route) {
      refuse(
        response,
        404,
        providerOf(url.pathname),
        `Unknown request: ${message.method} ${url.pathname}${url.search}.`,
      );
      return;
    }
    if (!body) {
      refuse(response, 400, route.wire.provider, 'The body is not a JSON object.');
      return;
    }
    const { asked, problem } = readRequest(route, body);
    const request = toRequest(this.ledger.requests + 1, route, asked, body, message);
    const random = randomIds(this.#seed * 1_000_003 + request.n);
    const requestId = `req_${random(24)}`;
    response.setHeader(request.provider === 'anthropic' ? 'request-id' : 'x-request-id', requestId);
    const entry = this.ledger.open(request);
    this.#announce({ request, entry });
    const exchange = { wire: route.wire, request, response, entry, requestId };
    if (problem !== undefined) {
      sendError(exchange, failureOf(problem));
      return;
    }
    // The input is paid for from the moment the request has arrived, even while the script still thinks.
    if (findPrice(this.#prices, request.model)) entry.begin(billFor(request, this.#prices, inputUsage(request)));
    const script = this.#script;
    await serve({
      ...exchange,
      reply: async () => script(request),
      compose: (reply) => {
        const { answer, bill } = compose(request, reply, this.#prices, random);
        entry.begin(bill);
        return answer;
      },
    });
  }

  #announce(started: { readonly request: SimulatedRequest; readonly entry: OpenEntry }): void {
    if (this.#waiters.length === 0) return;
    const waiting = this.#waiters;
    this.#waiters = waiting.filter((waiter) => !waiter.wants(started));
    for (const waiter of waiting) if (!this.#waiters.includes(waiter)) waiter.resolve(started);
  }
}

async function readJson(message: IncomingMessage): Promise<JsonObject | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the request; one that the provider would refuse still gets its entry in the ledger. */
function readRequest({ wire, target }: Route, body: JsonObject): { asked: Asked; problem?: unknown } {
  try {
    return { asked: wire.read(body, target) };
  } catch (problem) {
    const model = typeof body['model'] === 'string' ? body['model'] : (target.model ?? '');
    return { asked: { model, streamed: false, messages: [] }, problem };
  }
}

function toRequest(
  n: number,
  { wire }: Route,
  asked: Asked,
  body: JsonObject,
  message: IncomingMessage,
): SimulatedRequest {
  const prompt = readPrompt(asked.messages);
  const chats = wire.api !== 'embeddings' && wire.api !== 'images';
  return {
    n,
    provider: wire.provider,
    api: wire.api,
    model: asked.model,
    streamed: asked.streamed,
    maxOutputTokens: asked.maxOutputTokens,
    candidates: asked.candidates ?? 1,
    serviceTier: asked.serviceTier,
    toolNames: asked.toolNames ?? [],
    imageTokens: asked.imageTokens ?? 0,
    inputTokens: countInput(prompt, chats ? asked.messages.length : 0, asked.definitions),
    get text() {
      return prompt.texts.join('\n');
    },
    body,
    headers: message.headers,
  };
}

function refuse(response: ServerResponse, status: number, provider: Provider | undefined, message: string): void {
  const body = provider ? errorBody(provider, { status, message }, '') : { error: { message } };
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789';

/** Random letters and digits from a seed (mulberry32): ids that look real and stay the same from run to run. */
function randomIds(seed: number): (length: number) => string {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return (length) => Array.from({ length }, () => ALPHABET[next() % ALPHABET.length]).join('');
}
