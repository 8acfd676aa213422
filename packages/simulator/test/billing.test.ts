import { describe, expect, it } from 'vitest';
import { startSimulator } from '../src/index.ts';
import { CASES, INTERFACES, parse, send } from './ask.ts';

const PROMPT_TOKENS = Math.ceil('How is the weather in Athens?'.length / 4) + 3;

/** Reads until the text has come, then leaves the stream open. */
async function readUntil(response: Response, text: string): Promise<void> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let seen = '';
  while (reader && !seen.includes(text)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the stream ended without ${text}`);
    seen += decoder.decode(value, { stream: true });
  }
}

describe.each(CASES)('%s, %s', (_name, kind, api) => {
  const stream = kind === 'sse';

  it('bills what it reports', async () => {
    await using sim = await startSimulator({
      script: () => ({ tokens: 30, reasoningTokens: 12, usage: { inputTokens: 500, cacheRead: 200 } }),
    });
    const response = await send(sim, api, { stream });
    expect(response.status).toBe(200);
    const events = parse(await response.text());
    expect(events.map(api.reported).findLast(Boolean)).toEqual([500, 42]);
    expect(sim.ledger.entries).toMatchObject([
      {
        id: 1,
        provider: api.provider,
        model: api.model,
        streamed: stream,
        status: 200,
        billed: true,
        outcome: 'completed',
        usage: { inputTokens: 500, cacheReadTokens: 200, outputTokens: 42, reasoningTokens: 12 },
      },
    ]);
    expect(sim.ledger.totalNano()).toBeGreaterThan(0);
  });

  it('never outputs more than the cap', async () => {
    await using sim = await startSimulator({ script: () => ({ tokens: 500, reasoningTokens: 5 }) });
    const events = parse(await (await send(sim, api, { stream, cap: 17 })).text());
    expect(events.map(api.reported).findLast(Boolean)).toEqual([PROMPT_TOKENS, 17]);
    expect(events.map(api.finish).findLast(Boolean)).toBe(api.cutShort);
    expect(sim.ledger.entries[0]?.usage).toMatchObject({ outputTokens: 17, reasoningTokens: 5 });
  });

  it('calls tools, and leaves out the one that the cap cuts short', async () => {
    const toolCalls = [
      { name: 'weather', arguments: { city: 'Athens' } },
      { name: 'forecast', arguments: { city: 'Sparta' } },
    ];
    await using sim = await startSimulator({ script: () => ({ toolCalls }) });
    const events = parse(await (await send(sim, api, { stream, tools: true })).text());
    expect(new Set(api.toolNames(events))).toEqual(new Set(['weather', 'forecast']));
    const whole = sim.ledger.entries[0]?.usage.outputTokens ?? 0;
    const capped = parse(await (await send(sim, api, { stream, tools: true, cap: whole - 1 })).text());
    expect(new Set(api.toolNames(capped))).toEqual(new Set(['weather']));
    expect(capped.map(api.reported).findLast(Boolean)?.[1]).toBe(whole - 1);
  });

  it('keeps its usage to itself when told to, and bills it all the same', async () => {
    await using sim = await startSimulator({ script: () => ({ tokens: 9, omitUsage: true }) });
    const events = parse(await (await send(sim, api, { stream })).text());
    expect(events.map(api.reported).filter(Boolean)).toEqual([]);
    expect(sim.ledger.entries[0]).toMatchObject({ billed: true, usage: { outputTokens: 9 } });
  });

  it('bills nothing for an error status', async () => {
    await using sim = await startSimulator({
      script: () => ({ error: { status: 429, message: 'slow down', retryAfter: 7 } }),
    });
    const response = await send(sim, api, { stream });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    expect(JSON.stringify(await response.json())).toContain('slow down');
    expect(sim.ledger.entries).toMatchObject([
      { status: 429, billed: false, costNano: 0, outcome: 'error', usage: { inputTokens: 0 } },
    ]);
  });

  it('bills what was generated when it breaks the connection', async () => {
    await using sim = await startSimulator({ script: () => ({ tokens: 40, cutAfterChunks: 2 }) });
    await expect(send(sim, api, { stream }).then((response) => response.text())).rejects.toThrow('terminated');
    expect(sim.ledger.entries[0]).toMatchObject({
      outcome: 'cut',
      billed: true,
      usage: { inputTokens: PROMPT_TOKENS, outputTokens: stream ? 8 : 40 },
    });
  });

  it('bills the input when the client leaves before anything was generated', async () => {
    await using sim = await startSimulator({ script: () => ({ tokens: 40, hold: new Promise(() => {}) }) });
    const abort = new AbortController();
    const started = sim.nextRequest();
    const call = send(sim, api, { stream, signal: abort.signal });
    const { entry } = await started;
    abort.abort();
    await expect(call).rejects.toThrow();
    expect(await entry.done).toMatchObject({
      status: undefined,
      outcome: 'aborted',
      billed: true,
      usage: { inputTokens: PROMPT_TOKENS, outputTokens: 0 },
    });
  });

  it('bills the input of a call that it never answers', async () => {
    await using sim = await startSimulator({ script: () => ({ hang: true }) });
    const abort = new AbortController();
    const started = sim.nextRequest();
    const call = send(sim, api, { stream, signal: abort.signal });
    const { entry } = await started;
    abort.abort();
    await expect(call).rejects.toThrow();
    expect(await entry.done).toMatchObject({ outcome: 'hung', usage: { inputTokens: PROMPT_TOKENS, outputTokens: 0 } });
  });
});

describe.each(INTERFACES.map((api) => [api.name, api] as const))('%s, stream', (_name, api) => {
  it('bills what was written when the client leaves in the middle', async () => {
    await using sim = await startSimulator({
      script: () => ({ text: 'abcdefgh'.repeat(20), chunkTokens: 1, holdAfterChunks: 3, hold: new Promise(() => {}) }),
    });
    const abort = new AbortController();
    const started = sim.nextRequest();
    const response = await send(sim, api, { stream: true, signal: abort.signal });
    const { entry } = await started;
    await readUntil(response, 'efgh');
    abort.abort();
    expect(await entry.done).toMatchObject({
      outcome: 'aborted',
      status: 200,
      billed: true,
      usage: { outputTokens: 3 },
    });
  });

  it('sends an error event inside the stream and bills what came before it', async () => {
    await using sim = await startSimulator({ script: () => ({ tokens: 40, errorEventAfterChunks: 3 }) });
    const events = parse(await (await send(sim, api, { stream: true })).text());
    expect(JSON.stringify(events.at(-1))).toContain('told to fail');
    expect(sim.ledger.entries[0]).toMatchObject({
      outcome: 'error',
      status: 200,
      billed: true,
      usage: { outputTokens: 12 },
    });
  });

  it('breaks off before the end even when the answer is shorter', async () => {
    await using sim = await startSimulator({ script: () => ({ tokens: 4, cutAfterChunks: 50 }) });
    const response = await send(sim, api, { stream: true });
    await expect(response.text()).rejects.toThrow('terminated');
    expect(sim.ledger.entries[0]).toMatchObject({ outcome: 'cut', usage: { outputTokens: 4 } });
  });
});

it('generates a whole answer evenly over the latency', async () => {
  const api = INTERFACES[0] ?? expect.unreachable();
  await using sim = await startSimulator({ script: () => ({ tokens: 1_000_000, latencyMs: 3_600_000 }) });
  const abort = new AbortController();
  const started = sim.nextRequest();
  const call = send(sim, api, { stream: false, signal: abort.signal });
  const { entry } = await started;
  abort.abort();
  await expect(call).rejects.toThrow();
  const { usage, outcome, billed } = await entry.done;
  expect([outcome, billed, usage.inputTokens]).toEqual(['aborted', true, PROMPT_TOKENS]);
  // An hour for a million tokens: a few milliseconds are worth a few tokens, and never near the whole.
  expect(usage.outputTokens).toBeLessThan(100_000);
});
