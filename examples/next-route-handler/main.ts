// What Next.js does: calls the handler, and aborts the request's signal when the client goes away.
import { guard, POST } from './route.ts';

const settled = new Promise((resolve) => guard.on('spend', resolve));
const client = new AbortController();
const response = await POST(
  new Request('http://localhost:3000/api/chat', {
    method: 'POST',
    headers: { 'x-user': 'u1' },
    body: JSON.stringify({
      messages: [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'Write a novel about a lighthouse.' }] }],
    }),
    signal: client.signal,
  }),
);

let shown = '';
for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
  shown += text;
  if (shown.length > 500) break;
}
client.abort(); // the tab is closed
console.log(shown);
console.log(await settled);
console.log(guard.status().budgets);
