import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { CONTROL, listenIn, PUBLISHABLE, startFixture, type RealtimeFixture } from './testing/realtime-fixture.ts';

let at: RealtimeFixture;
beforeAll(async () => {
  at = await startFixture();
});
afterAll(() => at[Symbol.asyncDispose]());

it('brings a kill to its agent in milliseconds', async () => {
  const { messages } = await listenIn(at.client(() => at.token()));
  const times: number[] = [];
  for (let n = 0; n < 200; n += 1) {
    const start = performance.now();
    const sent = at.send({ n });
    await messages.next();
    times.push(performance.now() - start);
    await sent;
  }
  const sorted = times.toSorted((a, b) => a - b);
  const [p50, p99] = [sorted[99]!, sorted[197]!];
  console.info(`kill in SQL → callback, 200 times: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
  // Far above what a busy machine needs, far below what a poll would.
  expect(p50).toBeLessThan(100);
});

it('brings it to 300 sockets', async () => {
  const token = await at.token();
  const url = `${at.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${PUBLISHABLE}&vsn=2.0.0`;
  const reached = Promise.withResolvers<undefined>();
  let count = 0;
  const sockets = await Promise.all(
    Array.from({ length: 300 }, () => {
      const joined = Promise.withResolvers<WebSocket>();
      const ws = new WebSocket(url);
      const join = ['1', '1', `realtime:${CONTROL}`, 'phx_join', { config: { private: true }, access_token: token }];
      ws.on('open', () => ws.send(JSON.stringify(join)));
      ws.on('message', (data: Buffer, binary) => {
        if (!binary) {
          if (data.includes('"ok"')) joined.resolve(ws);
          else joined.reject(new Error(data.toString()));
        } else if ((count += 1) === 300) reached.resolve(undefined);
      });
      return joined.promise;
    }),
  );
  const start = performance.now();
  await at.send({ n: 'all' });
  await reached.promise;
  console.info(`to 300 sockets: ${(performance.now() - start).toFixed(1)} ms`);
  expect(at.realtime.stats()).toMatchObject({ channels: 301, topics: 1 });
  for (const ws of sockets) ws.terminate();
});
