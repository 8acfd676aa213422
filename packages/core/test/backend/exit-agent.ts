/**
 * A process that ends with calls in flight: `URL`, `KEY`, `AGENT`, and how it ends: `WAY` is `end` (by itself), `exit`
 * (`process.exit()`), `throw` (an error that nobody catches) or `wait` (for a signal). One call has ended before.
 */
import { AgentKavach, Budget, type CallRequest } from '../../src/index.ts';

const { URL: url = '', KEY: apiKey = '', AGENT: agentName = '', WAY: way = '' } = process.env;
const guard = new AgentKavach({
  agentName,
  budget: [Budget.daily(100), Budget.shared(agentName, { limit: 100, period: 'daily' })],
  prices: { m: { inputPerMillion: 1_000, outputPerMillion: 1_000 } },
  ...{ url, apiKey },
});
const request: CallRequest = {
  provider: 'p',
  model: 'm',
  inputTokens: 100,
  maxOutputTokens: 1_000,
  hidesOutput: false,
};

/** Opens a stream, reads ten characters of it, and leaves it there. */
async function openStream(more: Partial<CallRequest> = {}): Promise<ReadableStreamDefaultReader<string>> {
  const stream = await guard.stream({ ...request, ...more }, () =>
    Promise.resolve({
      stream: new ReadableStream<string>({ start: (controller) => controller.enqueue('0123456789') }),
      meter: (chunk: string, meter) => meter.output(chunk),
    }),
  );
  const reader = stream.getReader();
  await reader.read();
  return reader;
}

await guard.call(request, () => Promise.resolve({ value: '', usage: { inputTokens: 100, outputTokens: 100 } }));
await guard.flush();
await openStream();
guard.call({ ...request, maxOutputTokens: 300 }, () => new Promise<never>(() => undefined)).catch(() => undefined);
if (way !== 'wait') {
  // This one is over, but a tokenizer is still at work on what it is charged. It may be done before a signal comes.
  const counted = await openStream({ inputTokens: undefined, input: 'word '.repeat(5_000) });
  void counted.cancel();
}
console.info('ready');
if (way === 'exit') process.exit();
else if (way === 'throw') throw new Error('nobody catches this');
else if (way === 'wait') setInterval(() => undefined, 60_000);
