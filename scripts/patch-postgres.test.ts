import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import postgres from 'postgres';
import { expect, it } from 'vitest';

/** AuthenticationOk and ReadyForQuery (postgresql.org/docs/current/protocol-message-formats.html). */
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

it('a connection that is lost while it asks for the array types is made anew, and asks again', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(WELCOME));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  const { port } = server.address() as AddressInfo;
  const sql = postgres(`postgres://user@127.0.0.1:${port}/db`, { max: 1, ssl: false, backoff: () => 0 });
  try {
    const asked = sql.begin((transaction) => transaction`select 1`).then(undefined, () => undefined);
    const [first] = (await once(server, 'connection')) as [Socket];
    expect(await textOf(first)).toContain('pg_catalog.pg_type');
    first.destroy();
    const [second] = (await once(server, 'connection')) as [Socket];
    expect(await textOf(second)).toContain('pg_catalog.pg_type');
    await sql.end({ timeout: 0 }); // lost once more
    await asked;
    await new Promise((resolve) => setImmediate(resolve)); // rejections are reported after the turn in which they come
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

/** What comes after the startup message. */
async function textOf(socket: Socket): Promise<string> {
  await once(socket, 'data');
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString('latin1');
}
