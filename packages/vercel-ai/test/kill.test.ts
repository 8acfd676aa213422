import { generateText, streamText, wrapLanguageModel } from 'ai';
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';
import { AgentKavach, Budget, findKavachError, KilledError, StreamIdleError } from '@agentkavach/core';
import { rejection, reserved, spends, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it, vi } from 'vitest';
import { kavach, type OnKillStream } from '../src/index.ts';
import { world, type World } from './world.ts';

function setUp(w: World, options: { onKillStream?: OnKillStream; idleMs?: number } = {}) {
  const { onKillStream, ...rest } = options;
  const guard = new AgentKavach({ budget: Budget.total(10), ...rest });
  const model = wrapLanguageModel({
    model: w.openai.chat('gpt-4o'),
    middleware: kavach(guard, { onKillStream }),
  });
  return { guard, model };
}

/** Answers some chunks, then nothing. */
const STALLS = () => ({ tokens: 400, hold: new Promise(() => {}), holdAfterChunks: 3 });

describe('a kill in flight', () => {
  it('rejects generateText at once and disconnects the provider', async () => {
    await using w = await world(() => ({ hang: true }));
    const { guard, model } = setUp(w);
    const error = rejection(generateText({ model, prompt: 'Hi' }));
    await w.sim.started(1);
    guard.kill('manual');
    expect(findKavachError(await error)).toBeInstanceOf(KilledError);
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('hung');
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThan(0);
    await rejection(generateText({ model, prompt: 'Hi' }));
    expect(w.sim.ledger.requests).toBe(1);
  });

  it('shows as an error part and ends the stream (default)', async () => {
    await using w = await world(STALLS);
    const { guard, model } = setUp(w);
    const onError = vi.fn();
    const result = streamText({ model, prompt: 'Hi', onError });
    const parts: string[] = [];
    for await (const part of result.fullStream) {
      parts.push(part.type);
      if (parts.filter((type) => type === 'text-delta').length === 3 && !guard.status().killed) guard.kill('manual');
    }
    expect(parts).toContain('error');
    expect(findKavachError((onError.mock.calls[0] as [{ error: unknown }])[0].error)).toBeInstanceOf(KilledError);
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });

  it('throws out of the iteration with onKillStream throw', async () => {
    await using w = await world(STALLS);
    const { guard, model } = setUp(w, { onKillStream: 'throw' });
    const result = streamText({ model, prompt: 'Hi', onError: () => {} });
    let seen = 0;
    const error = await rejection(
      (async () => {
        for await (const _ of result.textStream) if (++seen === 3) guard.kill('manual');
      })(),
    );
    expect(findKavachError(error)).toBeInstanceOf(KilledError);
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    expect(reserved(guard)).toBe(0);
  });

  it('ends the answer where it stands with onKillStream truncate', async () => {
    await using w = await world(STALLS);
    const { guard, model } = setUp(w, { onKillStream: 'truncate' });
    const result = streamText({ model, prompt: 'Hi' });
    const parts: string[] = [];
    for await (const part of result.fullStream) {
      parts.push(part.type);
      if (parts.filter((type) => type === 'text-delta').length === 3 && !guard.status().killed) guard.kill('manual');
    }
    expect(parts.slice(-3)).toEqual(['text-end', 'finish-step', 'finish']);
    expect(parts).not.toContain('error');
    expect(await result.text).not.toBe('');
    expect(await result.finishReason).toBe('other');
    expect((await result.finalStep).rawFinishReason).toBe('agentkavach:KAVACH_KILLED');
    expect((await result.finalStep).providerMetadata?.['agentkavach']).toMatchObject({ code: 'KAVACH_KILLED' });
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    expect(reserved(guard)).toBe(0);
  });

  it('refuses a wrong mode by name', () => {
    expect(() =>
      kavach(new AgentKavach({ budget: Budget.total(1) }), { onKillStream: 'stop' as OnKillStream }),
    ).toThrow(/onKillStream must be 'error', 'throw' or 'truncate', got "stop"/);
  });
});

describe('a stream that is left', () => {
  // Far more than the SDK reads ahead, and then silence: whatever the machine does, the provider can't be done first.
  const ENDLESS = () => ({ tokens: 4000, chunkTokens: 1, hold: new Promise(() => {}), holdAfterChunks: 400 });

  it.each([
    [
      'breaks out of the text',
      async (result: ReturnType<typeof streamText>) => {
        for await (const _ of result.textStream) break;
      },
    ],
    [
      'goes away as an HTTP client',
      async (result: ReturnType<typeof streamText>) => {
        const reader = result.toTextStreamResponse().body?.getReader();
        await reader?.read();
        await reader?.cancel();
      },
    ],
    [
      'goes away as a UI client',
      async (result: ReturnType<typeof streamText>) => {
        const reader = result.toUIMessageStreamResponse().body?.getReader();
        await reader?.read();
        await reader?.cancel();
      },
    ],
    ['never reads', () => Promise.resolve()],
  ])('is settled when the consumer %s', async (_name, leave) => {
    await using w = await world(ENDLESS);
    const { guard, model } = setUp(w, { idleMs: 60 });
    const { next } = spends(guard);
    const spent = next();
    const result = streamText({ model, prompt: 'Hi', onError: () => {} });
    await leave(result);
    expect(await spent).toMatchObject({ estimated: true });
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });

  it('tells a consumer that comes back too late why it ended', async () => {
    await using w = await world(ENDLESS);
    const { guard, model } = setUp(w, { idleMs: 40 });
    const { next } = spends(guard);
    const spent = next();
    const result = streamText({ model, prompt: 'Hi', onError: () => {} });
    const reader = result.fullStream.getReader();
    await reader.read();
    await spent;
    const errors: unknown[] = [];
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (part.value.type === 'error') errors.push(part.value.error);
    }
    expect(errors.map(findKavachError)).toEqual([expect.any(StreamIdleError)]);
  });
});

describe('the caller’s own abort', () => {
  it('ends a generate call as the caller’s error', async () => {
    await using w = await world(() => ({ hang: true }));
    const { guard, model } = setUp(w);
    const caller = new AbortController();
    const error = rejection(generateText({ model, prompt: 'Hi', abortSignal: caller.signal }));
    await w.sim.started(1);
    caller.abort();
    expect(await error).toMatchObject({ name: 'AbortError' });
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('hung');
    expect(reserved(guard)).toBe(0);
  });

  it('calls onAbort of a stream and settles what was seen', async () => {
    await using w = await world(STALLS);
    const { guard, model } = setUp(w);
    const caller = new AbortController();
    const onAbort = vi.fn();
    const result = streamText({ model, prompt: 'Hi', abortSignal: caller.signal, onAbort });
    const parts: string[] = [];
    for await (const part of result.fullStream) {
      parts.push(part.type);
      if (parts.filter((type) => type === 'text-delta').length === 3) caller.abort();
    }
    expect(parts.at(-1)).toBe('abort');
    expect(onAbort).toHaveBeenCalledOnce();
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });
});

describe('a stream that fails', () => {
  it.each([
    ['an error event', { errorEventAfterChunks: 3 }],
    ['a lost connection', { cutAfterChunks: 3 }],
  ])('with %s is charged in full, as an estimate', async (_name, failure) => {
    await using w = await world(() => ({ tokens: 100, ...failure }));
    const { guard, model } = setUp(w);
    const { all } = spends(guard);
    await streamText({ model, prompt: 'Hi', onError: () => {} }).consumeStream();
    await w.sim.ledger.settled();
    expect(all).toMatchObject([{ estimated: true, outcome: 'unknown' }]);
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });

  it('and is tried again by the SDK is a call for each attempt', async () => {
    await using w = await world(({ n }) => (n === 1 ? { tokens: 100, errorEventAfterChunks: 0 } : { tokens: 20 }));
    const { guard, model } = setUp(w);
    const result = streamText({ model, prompt: 'Hi', streamRetries: 1, onError: () => {} });
    expect(await result.text).not.toBe('');
    expect(w.sim.ledger.requests).toBe(2);
    expect(guard.status().run.calls).toBe(2);
    expect(reserved(guard)).toBe(0);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });
});

describe('a stream that closes in order before its last word', () => {
  it.each(['openai', 'anthropic', 'google', 'mistral'] as const)('is charged what it holds: %s', async (provider) => {
    await using w = await world(() => ({ tokens: 400 }));
    const guard = new AgentKavach({ budget: Budget.total(10) });
    const { all } = spends(guard);
    const { [provider]: id } = {
      openai: 'gpt-4o',
      anthropic: 'claude-sonnet-4-5',
      google: 'gemini-2.0-flash',
      mistral: 'mistral-medium-latest',
    };
    const send = globalThis.fetch;
    const cutting = vi.spyOn(globalThis, 'fetch').mockImplementation(async (...request) => {
      const answer = await send(...request);
      const text = await answer.text();
      return new Response(text.slice(0, text.length / 2), answer);
    });
    const model = wrapLanguageModel({ model: w[provider](id), middleware: kavach(guard) });
    await streamText({ model, prompt: 'Hi', maxOutputTokens: 1_000, onError: () => undefined }).consumeStream();
    cutting.mockRestore();
    expect(all).toMatchObject([{ outcome: 'unknown', outputTokens: 1_000 }]);
    expect(reserved(guard)).toBe(0);
  });

  it('is charged what it holds where the model ends without a finish part', async () => {
    const guard = new AgentKavach({ budget: Budget.total(10) });
    const { all } = spends(guard);
    const chunks = [
      { type: 'stream-start' as const, warnings: [] },
      { type: 'text-start' as const, id: '1' },
      { type: 'text-delta' as const, id: '1', delta: 'Par' },
    ];
    const model = new MockLanguageModelV4({
      provider: 'openai.chat',
      modelId: 'gpt-4o',
      doStream: async () => ({ stream: convertArrayToReadableStream(chunks) }),
    });
    const guarded = wrapLanguageModel({ model, middleware: kavach(guard) });
    await streamText({
      model: guarded,
      prompt: 'Hi',
      maxOutputTokens: 1_000,
      onError: () => undefined,
    }).consumeStream();
    expect(all).toMatchObject([{ outcome: 'unknown', outputTokens: 1_000 }]);
  });
});
