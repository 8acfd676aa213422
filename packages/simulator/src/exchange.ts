/** Serves one request from the script's reply: waits, answers, fails or breaks off as told, and settles its entry. */
import type { ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';
import { UnpricedModelError } from './answer.ts';
import type { OpenEntry } from './ledger.ts';
import { Line } from './line.ts';
import type { Reply } from './reply.ts';
import type { SimulatedRequest } from './request.ts';
import type { Failure } from './wire/errors.ts';
import { errorBody, errorEvent } from './wire/errors.ts';
import type { Wire } from './wire/wire.ts';
import { BadRequest } from './wire/wire.ts';

/** What an exchange needs from the simulator. */
export interface Exchange {
  readonly wire: Wire;
  readonly request: SimulatedRequest;
  readonly response: ServerResponse;
  readonly entry: OpenEntry;
  readonly requestId: string;
  /** Asks the script. */
  readonly reply: () => Promise<Reply>;
  /** Composes the answer and begins the entry's bill. */
  readonly compose: (reply: Reply) => Answer;
}

/** Serves the request; never throws. */
export async function serve(exchange: Exchange): Promise<void> {
  const { entry } = exchange;
  const line = new Line(exchange.response);
  try {
    await answerTo(exchange, line);
  } catch (error) {
    if (line.gone) entry.end('aborted', true);
    else sendError(exchange, failureOf(error));
  }
}

/** What an error of the simulator itself or of the script looks like to the client. */
export function failureOf(error: unknown): Failure {
  if (error instanceof BadRequest) return { status: 400, message: error.message, param: error.param };
  if (error instanceof UnpricedModelError) return { status: 404, message: error.message, param: 'model' };
  return {
    status: 500,
    message: `The simulator's script failed: ${error instanceof Error ? error.message : String(error)}`,
  };
}

/** Answers with an HTTP error in the provider's shape. */
export function sendError(exchange: Omit<Exchange, 'reply' | 'compose'>, failure: Failure, reply: Reply = {}): void {
  const { request, response, entry, requestId } = exchange;
  entry.status = failure.status;
  entry.end('error', false);
  if (reply.error?.retryAfter !== undefined) response.setHeader('retry-after', String(reply.error.retryAfter));
  sendJson(response, failure.status, reply.error?.body ?? errorBody(request.provider, failure, requestId));
}

async function answerTo(exchange: Exchange, line: Line): Promise<void> {
  const { wire, request, entry } = exchange;
  let reply: Reply | undefined;
  const scripted = exchange.reply().then((given) => (reply = given));
  await line.until(scripted);
  if (line.gone) {
    entry.end('aborted', true);
    return;
  }
  await scripted;
  reply ??= {};

  const streams = request.streamed && wire.stream !== undefined;
  if (reply.hold !== undefined && !(streams && reply.holdAfterChunks !== undefined)) await line.until(reply.hold);
  const { error } = reply;
  if (error !== undefined) {
    await line.pause(reply.latencyMs ?? 0);
    if (line.gone) {
      entry.end('aborted', false);
      return;
    }
    const message = error.message ?? 'The simulator was told to fail.';
    sendError(exchange, { status: error.status, message }, reply);
    return;
  }

  const answer = exchange.compose(reply);
  if (line.gone) {
    entry.end('aborted', true);
    return;
  }
  const started = performance.now();
  await line.pause(reply.latencyMs ?? 0);
  // What is answered whole is generated evenly over the latency; a stream generates as it is written.
  const share = line.gone ? Math.min(1, (performance.now() - started) / (reply.latencyMs ?? 1)) : 1;
  const generates = !streams && (!reply.hang || (reply.latencyMs ?? 0) > 0);
  if (generates) entry.generated(Math.floor(answer.usage.outputTokens * share));
  if (line.gone) {
    entry.end('aborted', true);
    return;
  }
  if (reply.hang) {
    await line.until();
    entry.end('hung', true);
    return;
  }
  entry.status = 200;
  if (streams) await sendStream(exchange, line, answer, reply);
  else sendWhole(exchange, answer, reply);
}

function sendWhole({ wire, response, entry }: Exchange, answer: Answer, reply: Reply): void {
  const body = wire.whole(answer);
  if (reply.cutAfterChunks === undefined) {
    // Settled before the last byte leaves: a client that has the answer finds its bill in the ledger.
    entry.end('completed', true);
    sendJson(response, 200, body);
    return;
  }
  entry.end('cut', true);
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.write(bytes.subarray(0, bytes.length / 2));
  response.socket?.destroySoon();
}

async function sendStream(
  { wire, request, response, entry }: Exchange,
  line: Line,
  answer: Answer,
  reply: Reply,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  response.flushHeaders();
  let chunks = 0;
  let tokens = 0;
  let frames = 0;
  let held = reply.hold !== undefined && reply.holdAfterChunks !== undefined;
  let pending = '';
  for (const frame of wire.stream?.(answer) ?? []) {
    const at = (limit: number | undefined): boolean =>
      limit !== undefined && ((frame.kind === 'delta' && chunks >= limit) || frame.kind === 'end');
    if (held && at(reply.holdAfterChunks)) {
      held = false;
      await line.until(reply.hold);
    }
    if (at(reply.cutAfterChunks)) {
      entry.end('cut', true);
      response.socket?.destroySoon();
      return;
    }
    if (at(reply.errorEventAfterChunks)) {
      entry.end('error', true);
      const failure = { status: 500, message: 'The simulator was told to fail inside the stream.' };
      response.end(errorEvent(request.provider, request.api, failure, frames));
      return;
    }
    if (frame.kind === 'delta' && chunks++ > 0) await line.pause(reply.chunkMs ?? 0);
    if (line.gone) {
      entry.end('aborted', true);
      return;
    }
    tokens += frame.tokens ?? 0;
    entry.generated(tokens);
    if (frame.kind === 'end') {
      entry.generated(answer.usage.outputTokens);
      pending = frame.bytes;
    } else if (pending !== '') pending += frame.bytes;
    else await line.write(frame.bytes);
    frames += 1;
    if (line.gone) {
      entry.end('aborted', true);
      return;
    }
  }
  entry.end('completed', true);
  response.end(pending);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
}
