import { afterEach, describe, expect, it, vi } from 'vitest';
import { AgentKavach, Budget, KilledError, StreamIdleError, type KavachOptions } from '../../src/index.ts';
import { rejection, reserved, spends, spentNano } from '../../src/testing/index.ts';
import { world, type World } from './world.ts';

const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];
const ask = { model: 'gpt-4o', messages };

function setUp(w: World, options: KavachOptions = {}, maxRetries = 0) {
  const guard = new AgentKavach({ budget: Budget.total(10), ...options });
  return { guard, openai: guard.wrap(w.openai({ maxRetries })) };
}

/** Answers some chunks, then nothing. */
const STALLS = () => ({ tokens: 400, hold: new Promise(() => {}), holdAfterChunks: 3 });

afterEach(() => vi.useRealTimers());

describe('retries of the SDK', () => {
  it('are calls of their own: refused ones cost nothing, the last one what it is billed', async () => {
    await using w = await world(({ n }) => (n < 3 ? { error: { status: n === 1 ? 500 : 429, retryAfter: 0 } } : {}));
    const { guard, openai } = setUp(w, { budget: [Budget.total(10), Budget.calls(100, 'total')] }, 2);
    await openai.chat.completions.create(ask);
    expect(w.sim.ledger.requests).toBe(3);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(guard.status().budgets[1]).toMatchObject({ spent: 3, reserved: 0 });
  });

  it('meet the limit on calls', async () => {
    await using w = await world(() => ({ error: { status: 500, retryAfter: 0 } }));
    const { guard, openai } = setUp(w, { guardrails: { maxCallsPerRun: 2 } }, 5);
    const error = await rejection(openai.chat.completions.create(ask));
    expect(error).toMatchObject({ code: 'KAVACH_CALL_LIMIT' });
    expect(w.sim.ledger.requests).toBe(2);
    expect(spentNano(guard)).toBe(0);
  });

  it('hand the provider’s own error on', async () => {
    await using w = await world(() => ({ error: { status: 400, message: 'No such thing.' } }));
    const { guard, openai } = setUp(w);
    expect(await rejection(openai.chat.completions.create(ask))).toMatchObject({ status: 400 });
    expect(spentNano(guard)).toBe(0);
    expect(reserved(guard)).toBe(0);
  });

  it('cost nothing where no connection was made', async () => {
    const guard = new AgentKavach({ budget: [Budget.total(1), Budget.calls(10, 'total')] });
    await using w = await world();
    const openai = guard.wrap(w.openai({ baseURL: 'http://127.0.0.1:1/v1', maxRetries: 0 }));
    await rejection(openai.chat.completions.create(ask));
    expect(guard.status().budgets).toMatchObject([
      { spent: 0, reserved: 0 },
      { spent: 0, reserved: 0 },
    ]);
  });
});

describe('the output cap', () => {
  it('is set where the caller sets none, and lowered to what is left', async () => {
    await using w = await world(() => ({ tokens: 5_000 }));
    const { guard, openai } = setUp(w, { budget: Budget.total(0.02) });
    const first = await openai.chat.completions.create(ask);
    expect(first.choices[0]?.finish_reason).toBe('length');
    await openai.chat.completions.create({ ...ask, max_tokens: 4_000 });
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(spentNano(guard)).toBeLessThanOrEqual(0.02e9);
  });

  it.each([
    ['gpt-4o', {}, 'max_completion_tokens'],
    ['gpt-4o', { max_tokens: 9_000 }, 'max_tokens'],
    ['o3-mini', { max_completion_tokens: 9_000 }, 'max_completion_tokens'],
  ])('goes under the name that the API reads (%s %j)', async (model, caps, name) => {
    await using w = await world();
    const { openai } = setUp(w, { budget: Budget.total(0.03) });
    const next = w.sim.nextRequest();
    await openai.chat.completions.create({ ...ask, ...caps, model });
    const { body } = (await next).request;
    const names = Object.keys(body).filter((key) => key.startsWith('max_'));
    expect(names).toEqual([name]);
    expect(body[name]).toBeLessThan(9_000);
  });

  it('leaves the caller’s request as it was', async () => {
    await using w = await world();
    const { openai } = setUp(w);
    const params = Object.freeze({ ...ask, stream: false as const });
    await openai.chat.completions.create(params);
    expect(params).toEqual({ ...ask, stream: false });
  });
});

describe('a stream', () => {
  it('that the consumer leaves is charged what it showed, at least what the provider bills, and ends there', async () => {
    await using w = await world(STALLS);
    const { guard, openai } = setUp(w);
    const stream = await openai.chat.completions.create({ ...ask, stream: true });
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 3) break;
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    await guard.flush();
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
    expect(spentNano(guard)).toBeLessThan(0.01e9);
  });

  it('that the caller aborts is charged what it showed, and shows the SDK’s own ending', async () => {
    await using w = await world(STALLS);
    const { guard, openai } = setUp(w);
    const abort = new AbortController();
    const stream = await openai.chat.completions.create({ ...ask, stream: true }, { signal: abort.signal });
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 3) abort.abort();
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    await guard.flush();
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });

  it('that a kill ends throws the guard’s error out of the loop', async () => {
    await using w = await world(STALLS);
    const { guard, openai } = setUp(w, {}, 3);
    const stream = await openai.chat.completions.create({ ...ask, stream: true });
    let chunks = 0;
    const error = await rejection(
      (async () => {
        for await (const _ of stream) if (++chunks === 3) guard.kill('manual');
      })(),
    );
    expect(error).toBeInstanceOf(KilledError);
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    expect(w.sim.ledger.requests).toBe(1);
  });

  it('that nobody reads is charged what it holds, and cancelled', async () => {
    await using w = await world(() => ({ tokens: 4_000 }));
    const { guard, openai } = setUp(w, { idleMs: 30 });
    const stopped = spends(guard).next();
    const stream = await openai.chat.completions.create({ ...ask, max_tokens: 5_000, stream: true });
    expect(await stopped).toMatchObject({ outcome: 'unknown', estimated: true });
    expect(spentNano(guard)).toBeGreaterThanOrEqual(5_000 * 10_000);
    const error = await rejection(
      (async () => {
        for await (const _ of stream);
      })(),
    );
    expect(error).toBeInstanceOf(StreamIdleError);
  });

  it.each(['cutAfterChunks', 'errorEventAfterChunks'] as const)(
    'that breaks off (%s) is charged what it holds',
    async (way) => {
      await using w = await world(() => ({ tokens: 400, [way]: 3 }));
      const { guard, openai } = setUp(w);
      const all = spends(guard).all;
      const stream = await openai.chat.completions.create({ ...ask, max_tokens: 1_000, stream: true });
      await rejection(
        (async () => {
          for await (const _ of stream);
        })(),
      );
      expect(all).toMatchObject([{ outcome: 'unknown', estimated: true }]);
      expect(reserved(guard)).toBe(0);
      expect(spentNano(guard)).toBeGreaterThanOrEqual(1_000 * 10_000);
    },
  );

  it('without usage is charged what it showed, as an estimate', async () => {
    await using w = await world(() => ({ tokens: 400, omitUsage: true }));
    const { guard, openai } = setUp(w);
    const all = spends(guard).all;
    for await (const _ of await openai.chat.completions.create({ ...ask, stream: true }));
    await guard.flush();
    expect(all).toMatchObject([{ outcome: 'completed', estimated: true }]);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });

  it('keeps its last chunk for those who asked for the usage', async () => {
    await using w = await world();
    const { openai } = setUp(w);
    let usage: unknown;
    const stream = await openai.chat.completions.create({
      ...ask,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) usage = chunk.usage;
    expect(usage).toMatchObject({ prompt_tokens: expect.any(Number) as number });
  });
});

describe('an answer', () => {
  it('that a kill overtakes rejects with the guard’s error, at once and without another attempt', async () => {
    await using w = await world(() => ({ hang: true }));
    const { guard, openai } = setUp(w, {}, 5);
    const error = rejection(openai.chat.completions.create(ask));
    await w.sim.started(1);
    guard.kill('manual');
    expect(await error).toBeInstanceOf(KilledError);
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('hung');
    expect(w.sim.ledger.requests).toBe(1);
    expect(reserved(guard)).toBe(0);
  });

  it('that the caller aborts is charged what it holds', async () => {
    await using w = await world(() => ({ hang: true }));
    const { guard, openai } = setUp(w);
    const abort = new AbortController();
    const error = rejection(openai.chat.completions.create({ ...ask, max_tokens: 1_000 }, { signal: abort.signal }));
    await w.sim.started(1);
    abort.abort();
    expect(await error).toMatchObject({ name: 'Error', message: 'Request was aborted.' });
    await guard.flush();
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(1_000 * 10_000);
  });

  it('without usage is charged what the call holds', async () => {
    await using w = await world(() => ({ omitUsage: true }));
    const { guard, openai } = setUp(w);
    await openai.chat.completions.create({ ...ask, max_tokens: 1_000 });
    expect(spentNano(guard)).toBeGreaterThanOrEqual(1_000 * 10_000);
  });

  it('that breaks off is charged what it holds, and is not asked for again', async () => {
    await using w = await world(() => ({ tokens: 400, cutAfterChunks: 1 }));
    const { guard, openai } = setUp(w, {}, 3);
    await rejection(openai.chat.completions.create({ ...ask, max_tokens: 1_000 }));
    expect(w.sim.ledger.requests).toBe(1);
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(1_000 * 10_000);
  });

  it('can be had raw, with its headers, and is charged once', async () => {
    await using w = await world();
    const { guard, openai } = setUp(w);
    const { data, response, request_id } = await openai.chat.completions.create(ask).withResponse();
    expect(data.choices).toHaveLength(1);
    expect(request_id).toBeTruthy();
    expect(response.url).toBe(`${w.sim.baseURL('openai')}/chat/completions`);
    const raw = await openai.chat.completions.create(ask).asResponse();
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano()); // although nobody has read it
    expect(await raw.json()).toMatchObject({ object: 'chat.completion' });
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });
});

describe('layers of one guard', () => {
  it('charge a call once: guard.call() around a wrapped client', async () => {
    await using w = await world();
    const { guard, openai } = setUp(w, { budget: [Budget.total(10), Budget.calls(100, 'total')] });
    await guard.call({ provider: 'openai', model: 'gpt-4o', input: messages }, async ({ signal }) => ({
      value: await openai.chat.completions.create(ask, { signal }),
    }));
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(guard.status().budgets[1]).toMatchObject({ spent: 1 });
  });

  it('charge what comes after the first request of a call apart', async () => {
    await using w = await world();
    const { guard, openai } = setUp(w, { budget: [Budget.total(10), Budget.calls(100, 'total')] });
    await guard.call({ provider: 'openai', model: 'gpt-4o', input: messages }, async () => {
      await openai.chat.completions.create(ask);
      return { value: await openai.chat.completions.create(ask) };
    });
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(guard.status().budgets[1]).toMatchObject({ spent: 2 });
  });

  it('charge a client that was wrapped twice once', async () => {
    await using w = await world();
    const { guard, openai } = setUp(w);
    const twice = guard.wrap(guard.wrap(openai).withOptions({ timeout: 5_000 }));
    await twice.chat.completions.create(ask);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('leave the client that was wrapped alone', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(0.0000001) });
    const bare = w.openai();
    guard.wrap(bare);
    await bare.chat.completions.create(ask);
    expect(w.sim.ledger.requests).toBe(1);
  });
});
