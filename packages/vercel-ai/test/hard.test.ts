import { generateText, streamText, wrapLanguageModel } from 'ai';
import type { LanguageModelV2, LanguageModelV2StreamPart, LanguageModelV3 } from '@ai-sdk/provider';
import { AgentKavach, Budget, BudgetExceededError, ConfigError, findKavachError } from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it, vi } from 'vitest';
import { guardModel, kavach } from '../src/index.ts';
import { world } from './world.ts';

describe('a hard limit', () => {
  it('holds for many calls at once, streamed or not', async () => {
    await using w = await world(() => ({ tokens: 5000, chunkTokens: 500 }));
    const guard = new AgentKavach({ budget: Budget.total(0.05), waitMs: 0 });
    const model = wrapLanguageModel({ model: w.openai.chat('gpt-4o'), middleware: kavach(guard) });
    const calls = Array.from({ length: 80 }, (_, i) =>
      i % 2 === 0
        ? generateText({ model, prompt: `Call ${i}` }).then(({ text }) => text)
        : streamText({ model, prompt: `Call ${i}`, onError: () => {} }).text,
    );
    const results = await Promise.allSettled(calls);
    await w.sim.ledger.settled();
    expect(results.some(({ status }) => status === 'rejected')).toBe(true);
    expect(w.sim.ledger.requests).toBeGreaterThan(4);
    expect(w.sim.ledger.totalNano()).toBeLessThanOrEqual(50_000_000);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  });

  it('covers the thinking budget that the SDK adds to the cap', async () => {
    await using w = await world(() => ({ tokens: 20_000 }));
    const guard = new AgentKavach({ budget: Budget.total(0.1) });
    const model = wrapLanguageModel({ model: w.anthropic('claude-sonnet-4-5'), middleware: kavach(guard) });
    const providerOptions = { anthropic: { thinking: { type: 'enabled' as const, budgetTokens: 2000 } } };
    let error: unknown;
    for (let i = 0; i < 20 && error === undefined; i += 1) {
      error = await generateText({ model, prompt: 'Think', providerOptions }).then(
        () => undefined,
        (e: unknown) => e,
      );
    }
    expect(findKavachError(error)).toBeInstanceOf(BudgetExceededError);
    expect(w.sim.ledger.requests).toBeGreaterThan(0);
    expect(w.sim.ledger.entries.every(({ usage }) => usage.outputTokens > 2000)).toBe(true);
    expect(w.sim.ledger.totalNano()).toBeLessThanOrEqual(100_000_000);
  });

  it('lowers the cap under the name that wins at OpenAI', async () => {
    await using w = await world(() => ({ tokens: 20_000 }));
    const guard = new AgentKavach({ budget: Budget.total(0.01) });
    const model = wrapLanguageModel({ model: w.openai.chat('o3'), middleware: kavach(guard) });
    await generateText({ model, prompt: 'Hi', providerOptions: { openai: { maxCompletionTokens: 20_000 } } });
    expect(w.sim.ledger.totalNano()).toBeLessThanOrEqual(10_000_000);
    expect(w.sim.ledger.entries[0]?.usage.outputTokens).toBeGreaterThan(256);
  });

  it('refuses what it can’t hold, and says what to do; soft limits let it pass', async () => {
    await using w = await world();
    const options = { prompt: 'Draw', tools: { draw: w.openai.tools.imageGeneration() } };
    const guarded = (mode: 'hard' | 'soft') =>
      wrapLanguageModel({ model: w.openai('gpt-5'), middleware: kavach({ budget: Budget.total(10), mode }) });
    const error = await rejection(generateText({ model: guarded('hard'), ...options }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(w.sim.ledger.requests).toBe(0);
    await generateText({ model: guarded('soft'), ...options });
    expect(w.sim.ledger.requests).toBe(1);
  });
});

describe('kavach() without a guard', () => {
  it('makes one from defaults', async () => {
    await using w = await world(() => ({ tokens: 5 }));
    const log = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const model = wrapLanguageModel({ model: w.openai.chat('gpt-4o'), middleware: kavach() });
    expect((await generateText({ model, prompt: 'Hi' })).text).not.toBe('');
    expect(log.mock.calls.flat().join(' ')).toContain('$100');
    log.mockRestore();
  });
});

function streamOf<T>(parts: readonly T[]): ReadableStream<T> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

describe('older models', () => {
  const usage = {
    inputTokens: 1000,
    cachedInputTokens: 400,
    outputTokens: 100,
    reasoningTokens: 20,
    totalTokens: 1100,
  };
  const parts: LanguageModelV2StreamPart[] = [
    { type: 'stream-start', warnings: [] },
    { type: 'text-start', id: '1' },
    { type: 'text-delta', id: '1', delta: 'Hello' },
    { type: 'text-end', id: '1' },
    { type: 'finish', usage, finishReason: 'stop' },
  ];
  class OldModel implements LanguageModelV2 {
    readonly specificationVersion = 'v2';
    readonly provider = 'openai.chat';
    readonly modelId = 'gpt-4o';
    readonly supportedUrls = {};
    readonly #secret = 'kept';
    readonly seen: unknown[] = [];
    doGenerate(options: Parameters<LanguageModelV2['doGenerate']>[0]) {
      this.seen.push(this.#secret, options.maxOutputTokens, options.abortSignal);
      return Promise.resolve({
        content: [{ type: 'text' as const, text: 'Hello' }],
        finishReason: 'stop' as const,
        usage,
        warnings: [],
      });
    }
    doStream(options: Parameters<LanguageModelV2['doStream']>[0]) {
      this.seen.push(this.#secret, options.maxOutputTokens, options.abortSignal);
      return Promise.resolve({ stream: streamOf(parts) });
    }
  }
  // 600 uncached at 2.50, 400 cached at 1.25, 100 output at 10 dollars per million.
  const COST = 3_000_000;

  it('V2 are guarded as they are, and through the SDK’s adapter', async () => {
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const old = new OldModel();
    const model = guardModel(old, guard);
    expect(model).toBeInstanceOf(OldModel);
    await generateText({ model, prompt: 'Hi' });
    await streamText({ model, prompt: 'Hi' }).text;
    expect(spentNano(guard)).toBe(2 * COST);
    expect(old.seen).toEqual([
      'kept',
      expect.any(Number),
      expect.any(AbortSignal),
      'kept',
      expect.any(Number),
      expect.any(AbortSignal),
    ]);
    await generateText({
      model: wrapLanguageModel({ model: new OldModel(), middleware: kavach(guard) }),
      prompt: 'Hi',
    });
    expect(spentNano(guard)).toBe(3 * COST);
  });

  it('V3 are charged once, guarded as objects and again by the middleware', async () => {
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const nested = {
      inputTokens: { total: 1000, noCache: 600, cacheRead: 400, cacheWrite: undefined },
      outputTokens: { total: 100, text: 80, reasoning: 20 },
    };
    const v3: LanguageModelV3 = {
      specificationVersion: 'v3',
      provider: 'openai.chat',
      modelId: 'gpt-4o',
      supportedUrls: {},
      doGenerate: () =>
        Promise.resolve({
          content: [{ type: 'text', text: 'Hi' }],
          finishReason: { unified: 'stop', raw: 'stop' },
          usage: nested,
          warnings: [],
        }),
      doStream: () => Promise.reject(new Error('not used')),
    };
    const model = wrapLanguageModel({ model: guardModel(v3, guard), middleware: kavach(guard) });
    await generateText({ model, prompt: 'Hi' });
    expect(spentNano(guard)).toBe(COST);
    expect(guard.status().run.calls).toBe(1);
  });
});
