/** Bodies of requests and answers, both within limits: packed where that pays, and read only as far as allowed. */
import { BackendError } from '../wire/backend-error.ts';
import { WIRE_LIMITS } from '../wire/index.ts';

/** Smaller bodies fit into few packets as they are. */
const PACKED_FROM_BYTES = 4_096;

/** A body with the headers that describe it. */
export interface PackedBody {
  readonly body: BodyInit;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A request's body as JSON, gzipped from 4 kB.
 *
 * @throws BackendError of kind `refused` for one that the backend would not take either
 */
export async function pack(what: string, value: unknown): Promise<PackedBody> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  if (bytes.length > WIRE_LIMITS.bodyBytes)
    throw new BackendError(
      `${what}: the request has ${bytes.length} bytes; at most ${WIRE_LIMITS.bodyBytes} are sent. Send less at once.`,
      'refused',
    );
  const headers = { 'content-type': 'application/json' };
  if (bytes.length < PACKED_FROM_BYTES) return { body: bytes, headers };
  const packed = new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip')));
  return { body: await packed.arrayBuffer(), headers: { ...headers, 'content-encoding': 'gzip' } };
}

/** Reads an answer's body; `undefined` as soon as it is longer than `most` bytes, and then reads no further. */
export async function readText(response: Response, most: number): Promise<string | undefined> {
  if (response.body === null) return '';
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > most) {
      await reader.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** Whether an answer says that it is JSON. */
export function isJson(response: Response): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(response.headers.get('content-type') ?? '');
}

/** The value of a JSON text; `undefined` where it is none. */
export function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
