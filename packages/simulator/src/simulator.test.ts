import { describe, expect, it } from 'vitest';
import type { SimulatedRequest } from './request.ts';
import type { Simulator } from './simulator.ts';
import { startSimulator } from './simulator.ts';

interface Body {
  readonly model?: string;
  readonly stream?: boolean;
  readonly content?: unknown;
  readonly more?: Record<string, unknown>;
}

function chat(
  sim: Simulator,
  { model = 'gpt-4o-mini', stream = false, content = 'Hi', more = {} }: Body = {},
  signal?: AbortSignal,
) {
  const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content }], ...more });
  return fetch(`${sim.baseURL('openai')}/chat/completions`, { method: 'POST', body, ...(signal && { signal }) });
}

/** A promise with its resolver. */
function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open };
}

describe('requests', () => {
  it('shows a script what was asked', async () => {
    const seen: SimulatedRequest[] = [];
    await using sim = await startSimulator({
      script: (request) => {
        seen.push(request);
        return {};
      },
    });
    const tools = [{ type: 'function', function: { name: 'search', parameters: {} } }];
    const more = { max_tokens: 77, tools, service_tier: 'priority' };
    await chat(sim, { content: [{ type: 'text', text: 'Where?' }], more });
    expect(seen).toMatchObject([
      {
        n: 1,
        provider: 'openai',
        api: 'chat',
        model: 'gpt-4o-mini',
        streamed: false,
        maxOutputTokens: 77,
        toolNames: ['search'],
      },
    ]);
    expect(seen[0]?.text).toBe('Where?');
    expect(seen[0]?.headers['host']).toBe(new URL(sim.url).host);
    expect(sim.ledger.entries[0]?.serviceTier).toBe('priority');
  });

  it('answers n candidates and bills each', async () => {
    await using sim = await startSimulator({ script: () => ({ tokens: 10 }) });
    const value: unknown = await (await chat(sim, { more: { n: 3, max_tokens: 8 } })).json();
    expect(value).toMatchObject({
      choices: [{ index: 0 }, { index: 1 }, { index: 2 }],
      usage: { completion_tokens: 24 },
    });
    await (await chat(sim, { stream: true, more: { n: 3, max_tokens: 8 } })).text();
    expect(sim.ledger.entries.map((entry) => entry.usage.outputTokens)).toEqual([24, 24]);
  });

  it('answers and bills with another model when told to', async () => {
    await using sim = await startSimulator({ script: () => ({ model: 'gpt-4o-2024-08-06', tokens: 1 }) });
    expect(await (await chat(sim)).json()).toMatchObject({ model: 'gpt-4o-2024-08-06' });
    expect(sim.ledger.entries).toMatchObject([
      { requestedModel: 'gpt-4o-mini', model: 'gpt-4o-2024-08-06', costNano: 4 * 2500 + 10_000 },
    ]);
  });

  it.each([
    ['no JSON', '{', 400],
    ['no messages', '{"model":"gpt-4o"}', 400],
    ['no model', '{"messages":[]}', 400],
    ['a cap of 0', '{"model":"gpt-4o","messages":[],"max_tokens":0}', 400],
    ['an unknown model', '{"model":"gpt-9","messages":[]}', 404],
  ])('refuses %s and bills nothing', async (_name, body, status) => {
    await using sim = await startSimulator();
    const response = await fetch(`${sim.baseURL('openai')}/chat/completions`, { method: 'POST', body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String) as string } });
    expect(sim.ledger.totalNano()).toBe(0);
    expect(sim.ledger.inFlight).toBe(0);
  });

  it('does not know other paths, nor Google streams that are no events', async () => {
    await using sim = await startSimulator();
    for (const path of ['/openai/v1/chat', '/google/v1beta/models/gemini-2.5-flash:streamGenerateContent', '/']) {
      expect((await fetch(`${sim.url}${path}`, { method: 'POST', body: '{}' })).status).toBe(404);
    }
    expect(sim.ledger.requests).toBe(0);
  });

  it.each(['v1', 'v1beta'])('answers Google’s %s', async (version) => {
    await using sim = await startSimulator();
    const ask = (method: string) =>
      fetch(`${sim.url}/google/${version}/models/gemini-2.5-flash:${method}`, {
        method: 'POST',
        body: '{"contents":[]}',
      });
    for (const method of ['generateContent', 'streamGenerateContent?alt=sse']) {
      const response = await ask(method);
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('usageMetadata');
    }
    const unknown = await ask('thinkAloud');
    expect(await unknown.json()).toMatchObject({ error: { status: 'NOT_FOUND' } });
    expect(sim.ledger.requests).toBe(2);
  });

  it('takes prices for models that do not exist', async () => {
    await using sim = await startSimulator({
      prices: { mine: { input: '3', output: '12' } },
      script: () => ({ tokens: 5 }),
    });
    await chat(sim, { model: 'mine' });
    expect(sim.ledger.totalNano()).toBe(4 * 3000 + 5 * 12_000);
  });
});

describe('scripts', () => {
  it('turns what a script throws into a 500 that says so', async () => {
    await using sim = await startSimulator({
      script: () => {
        throw new Error('no idea');
      },
    });
    const response = await chat(sim);
    expect(response.status).toBe(500);
    expect(await response.text()).toContain("The simulator's script failed: no idea");
    expect(sim.ledger.entries).toMatchObject([{ outcome: 'error', billed: false }]);
  });

  it('says which usage does not fit', async () => {
    await using sim = await startSimulator({ script: () => ({ usage: { inputTokens: 5, cacheRead: 6 } }) });
    expect(await (await chat(sim)).text()).toContain('usage.inputTokens is the whole input');
  });

  it('can be replaced while running', async () => {
    await using sim = await startSimulator();
    await chat(sim);
    sim.script(() => ({ text: 'Second.' }));
    expect(await (await chat(sim)).text()).toContain('Second.');
  });

  it('answers the same to the same requests, ids included', async () => {
    const answers: string[] = [];
    for (const seed of [5, 5, 6]) {
      await using sim = await startSimulator({ seed, script: () => ({ tokens: 20 }) });
      answers.push((await (await chat(sim)).text()).replace(/"created":\d+/, ''));
    }
    expect(answers[0]).toBe(answers[1]);
    expect(answers[0]).not.toBe(answers[2]);
  });
});

describe('waiting without sleeping', () => {
  it('hands over the next request that fits, while it is open', async () => {
    const { promise, open } = gate();
    await using sim = await startSimulator({ script: () => ({ hold: promise }) });
    const big = sim.nextRequest((request) => request.model === 'gpt-4o');
    const calls = [chat(sim), chat(sim, { model: 'gpt-4o' })];
    const { request, entry } = await big;
    expect([request.model, entry.outcome]).toEqual(['gpt-4o', undefined]);
    await sim.started(2);
    expect([sim.ledger.inFlight, sim.ledger.requests]).toEqual([2, 2]);
    open();
    expect(await entry.done).toMatchObject({ outcome: 'completed' });
    await Promise.all(calls);
    await chat(sim);
    expect([sim.ledger.inFlight, sim.ledger.maxInFlight]).toEqual([0, 2]);
    await sim.started(1);
  });

  it('settles when the last open request has ended', async () => {
    const { promise, open } = gate();
    await using sim = await startSimulator({ script: () => ({ hold: promise }) });
    await sim.ledger.settled();
    const call = chat(sim);
    await sim.started(1);
    let settled = false;
    const waiting = sim.ledger.settled().then(() => (settled = true));
    expect(settled).toBe(false);
    open();
    await waiting;
    expect((await call).status).toBe(200);
  });

  it('bills a client that leaves while the script still thinks', async () => {
    await using sim = await startSimulator({ script: () => new Promise(() => {}) });
    const abort = new AbortController();
    const call = chat(sim, {}, abort.signal);
    await sim.started(1);
    abort.abort();
    await expect(call).rejects.toThrow();
    await sim.ledger.settled();
    expect(sim.ledger.entries).toMatchObject([{ outcome: 'aborted', costNano: 4 * 150 }]);
  });

  it('ends what is open when it closes', async () => {
    const sim = await startSimulator({ script: () => ({ hang: true }) });
    const call = chat(sim);
    const failed = expect(call).rejects.toThrow();
    await sim.started(1);
    await sim.close();
    await failed;
    expect(sim.ledger.entries).toMatchObject([{ outcome: 'hung' }]);
    await sim.close();
  });
});

describe('many at once', () => {
  it('holds a thousand streams open, then serves them all', async () => {
    const { promise, open } = gate();
    await using sim = await startSimulator({ script: () => ({ tokens: 40, hold: promise, holdAfterChunks: 1 }) });
    const calls = Array.from({ length: 1000 }, async () => (await chat(sim, { stream: true })).text());
    await sim.started(1000);
    expect(sim.ledger.inFlight).toBe(1000);
    open();
    const texts = await Promise.all(calls);
    expect(texts.every((text) => text.endsWith('data: [DONE]\n\n'))).toBe(true);
    expect([sim.ledger.maxInFlight, sim.ledger.inFlight]).toEqual([1000, 0]);
    expect(sim.ledger.totalNano({ model: 'gpt-4o-mini', outcome: 'completed' })).toBe(1000 * (4 * 150 + 40 * 600));
  });

  it('stops generating for a client that does not read', async () => {
    const tokens = 2_000_000;
    await using sim = await startSimulator({ script: () => ({ tokens, chunkTokens: 20_000 }) });
    const abort = new AbortController();
    const started = sim.nextRequest();
    const response = await chat(sim, { stream: true }, abort.signal);
    const { entry } = await started;
    await response.body?.getReader().read();
    // Other requests are served meanwhile; the unread stream has filled its buffers and waits.
    sim.script(() => ({}));
    for (let round = 0; round < 50; round += 1) await (await chat(sim)).text();
    expect(entry.outcome).toBe(undefined);
    abort.abort();
    const { outcome, usage } = await entry.done;
    expect(outcome).toBe('aborted');
    expect(usage.outputTokens).toBeLessThan(tokens);
  });
});
