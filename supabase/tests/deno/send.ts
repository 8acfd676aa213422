/**
 * A client that sends a body only when it is asked to. A server that refuses a body unread closes the connection, and who is
 * still writing then loses the answer now and then.
 */
import { once } from 'node:events';
import { request as open, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

/** As `fetch` to `http://…`, without its own headers and without following where an answer leads. */
export async function send(url: string, init: RequestInit = {}): Promise<Response> {
  const { method, headers, body } = new Request(url, init);
  const size = sizeOf(init.body);
  if (size !== undefined) headers.set('content-length', String(size));
  if (body !== null) headers.set('expect', '100-continue');
  const request = open(url, { method, headers: Object.fromEntries(headers), agent: false });
  try {
    if (body === null) request.end();
    else {
      request.flushHeaders();
      // It may be answered before it has all.
      request.on('continue', () => void pipeline(Readable.from(body), request).catch(() => undefined));
    }
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const content = await buffer(response);
    return new Response(content.length === 0 ? null : new Uint8Array(content), {
      status: response.statusCode ?? 0,
      headers: Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]),
    });
  } finally {
    request.on('error', () => undefined).destroy();
  }
}

function sizeOf(body: RequestInit['body']): number | undefined {
  if (typeof body === 'string') return Buffer.byteLength(body);
  return body instanceof Uint8Array ? body.byteLength : undefined;
}
