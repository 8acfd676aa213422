import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { app, guard } from './app.ts';

const server = serve({ fetch: app.fetch, port: Number(process.env['PORT'] ?? 0) });
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

// A client that asks once and leaves in the middle of the answer.
const settled = new Promise((resolve) => guard.on('spend', resolve));
const response = await fetch(`http://localhost:${port}/chat`, {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'x-user': 'u1' },
  body: JSON.stringify({ message: 'Write a novel about a lighthouse.' }),
});
let shown = '';
for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
  shown += text;
  if (shown.length > 500) break; // disconnects
}
console.log(shown);
console.log(await settled);
console.log(guard.status().budgets);
server.close();
