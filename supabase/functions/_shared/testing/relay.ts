/** Stands between a client and a database, and counts the round trips: how often the client speaks after an answer. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

export interface Relay {
  /** The database's URL, by way of the relay. */
  readonly url: string;
  /** Since the last time this was asked. */
  trips(): number;
  close(): Promise<void>;
}

/** @param to the database's URL, with host and port */
export async function openRelay(to: string): Promise<Relay> {
  const target = new URL(to);
  let trips = 0;
  const server = createServer((client) => {
    const database = connect(Number(target.port), target.hostname);
    let hasAnswered = true;
    client.on('data', (chunk) => {
      if (hasAnswered) trips += 1;
      hasAnswered = false;
      database.write(chunk);
    });
    database.on('data', (chunk) => {
      hasAnswered = true;
      client.write(chunk);
    });
    client.on('close', () => database.destroy()).on('error', () => undefined);
    database.on('close', () => client.destroy()).on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(to);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    trips: () => {
      const counted = trips;
      trips = 0;
      return counted;
    },
    close: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
