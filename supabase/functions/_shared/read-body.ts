/** Reads a request's body as text without ever holding much more of it than is allowed, also where it arrives packed. */
import { ApiError } from './api-error.ts';

/** Deno unpacks a chunk as a whole: one of this size can become 8 MB at most. */
const GZIP_PIECE = 8_192;

/**
 * @param maxBytes holds for the body as it was sent and as it is unpacked
 * @throws ApiError 400 `malformed_gzip`, `malformed_body` or `malformed_json` (not UTF-8), 413 `body_too_large`, 415
 * `unsupported_encoding`
 */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'gzip' && encoding !== 'identity') {
    throw new ApiError(415, 'unsupported_encoding', 'The body must be plain or packed with gzip.');
  }
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return '';
  const sent = new Allowance(maxBytes);
  const packed = encoding === 'gzip';
  const stream = packed
    ? request.body.pipeThrough(inPieces(sent)).pipeThrough(new DecompressionStream('gzip'))
    : request.body;
  const plain = packed ? new Allowance(maxBytes) : sent;
  try {
    return decode(await collect(stream, plain));
  } catch (error) {
    // Not by the error itself: what a failing pipe passes on differs between runtimes.
    if (sent.exceeded || plain.exceeded) throw tooLarge(maxBytes);
    if (error instanceof ApiError) throw error;
    throw packed
      ? new ApiError(400, 'malformed_gzip', 'The body is not one whole gzip stream.')
      : new ApiError(400, 'malformed_body', 'The body ended before it was complete.');
  }
}

/** Counts bytes up to a limit. */
class Allowance {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  get exceeded(): boolean {
    return this.#used > this.#limit;
  }

  /** @throws RangeError once it is more than the limit */
  take(bytes: number): void {
    this.#used += bytes;
    if (this.exceeded) throw new RangeError('The limit is exceeded.');
  }
}

function inPieces(allowance: Allowance): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform: (chunk, controller) => {
      allowance.take(chunk.byteLength);
      for (let at = 0; at < chunk.byteLength; at += GZIP_PIECE) controller.enqueue(chunk.subarray(at, at + GZIP_PIECE));
    },
  });
}

async function collect(stream: ReadableStream<Uint8Array>, allowance: Allowance): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      allowance.take(value.byteLength);
      chunks.push(value);
    }
  } catch (error) {
    // Without waiting: a sender that has stalled would hold the answer back.
    void reader.cancel().catch(() => undefined);
    throw error;
  }
  return joined(chunks, allowance.used);
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError(400, 'malformed_json', 'The body is not UTF-8.');
  }
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(413, 'body_too_large', `The body has more than ${maxBytes} bytes. Send less at once.`, {
    maxBytes,
  });
}
