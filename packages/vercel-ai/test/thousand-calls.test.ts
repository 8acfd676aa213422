/**
 * A thousand calls at once on a budget that fits a few, on the wire: whatever is aborted, fails, or comes without usage,
 * the provider's own bill stays within the limit.
 */
import { createOpenAI } from '@ai-sdk/openai';
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { startSimulator, type Script } from '@agentkavach/simulator';
import { generateText, streamText, wrapLanguageModel, type LanguageModel } from 'ai';
import { describe, expect, it } from 'vitest';
import { kavach } from '../src/index.ts';

const CALLS = 1_000;
const LIMIT = 0.05;

/** A small reproducible generator (mulberry32), so that a failing seed can be run again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Rough {
  readonly aborted: number;
  readonly failing: number;
  readonly withoutUsage: number;
}

const SMOOTH: Rough = { aborted: 0, failing: 0, withoutUsage: 0 };
const ROUGH: Rough = { aborted: 0.3, failing: 0.1, withoutUsage: 0.1 };

function provider(random: () => number, rough: Rough): Script {
  return () => {
    const luck = random();
    if (luck < rough.failing) return { error: { status: random() < 0.5 ? 500 : 429 } };
    return {
      tokens: Math.ceil(random() * 800),
      latencyMs: random() * 20,
      chunkMs: random() * 2,
      omitUsage: luck < rough.failing + rough.withoutUsage,
    };
  };
}

/** What both ways of asking take. */
interface Question {
  readonly model: LanguageModel;
  readonly prompt: string;
  readonly maxOutputTokens?: number;
  readonly abortSignal: AbortSignal;
  readonly maxRetries: number;
}

const ways: Record<string, (question: Question) => Promise<unknown>> = {
  generate: (question) => generateText(question),
  stream: async (question) => {
    const failures: unknown[] = [];
    const { fullStream } = streamText({ ...question, onError: ({ error }) => void failures.push(error) });
    for await (const part of fullStream) if (part.type === 'error') failures.push(part.error);
    if (failures.length > 0) throw new AggregateError(failures);
  },
};

describe.each(Object.entries(ways))('%s: a thousand calls at once', (_, ask) => {
  it.each([
    ['all well', SMOOTH, 1],
    ['30 % aborted, 10 % failing, 10 % without usage', ROUGH, 2],
  ])('%s', { timeout: 120_000 }, async (_name, rough, seed) => {
    const random = seeded(seed);
    await using simulator = await startSimulator({ script: provider(seeded(seed + 100), rough) });
    const openai = createOpenAI({ baseURL: simulator.baseURL('openai'), apiKey: 'simulated' });
    const guard = new AgentKavach({ budget: Budget.total(LIMIT), idleMs: 2_000 });
    let overdrawn = 0;
    guard.on('spend', () => {
      const [budget] = guard.status().budgets;
      if (budget !== undefined && budget.spent + budget.reserved > LIMIT + 1e-12) overdrawn += 1;
    });
    const model = wrapLanguageModel({ model: openai.chat('gpt-4o'), middleware: kavach(guard) });

    const results = await Promise.allSettled(
      Array.from({ length: CALLS }, () => {
        const prompt = 'A question about the quarterly report. '.repeat(Math.ceil(random() * 60));
        const cap = random() < 0.5 ? {} : { maxOutputTokens: Math.ceil(random() * 1_000) };
        const controller = new AbortController();
        if (random() < rough.aborted) setTimeout(() => controller.abort(), random() * 60);
        return ask({ model, prompt, ...cap, abortSignal: controller.signal, maxRetries: 0 });
      }),
    );
    await guard.flush();
    await simulator.ledger.settled();

    const [budget] = guard.status().budgets;
    const billed = simulator.ledger.totalNano();
    expect(billed).toBeGreaterThan(0);
    expect(billed).toBeLessThanOrEqual(LIMIT * 1e9);
    expect(overdrawn).toBe(0);
    expect(budget?.reserved).toBe(0);
    expect(guard.status().inFlight).toBe(0);
    // What is marked as an estimate may be more than the bill, never less; without any, the ledgers agree exactly.
    const spent = Math.round((budget?.spent ?? 0) * 1e9);
    if (rough === SMOOTH) expect(spent).toBe(billed);
    else expect(spent).toBeGreaterThanOrEqual(billed);
    const refused = results.filter(
      (result) => result.status === 'rejected' && findKavachError(result.reason) !== undefined,
    );
    expect(refused.length).toBeGreaterThan(CALLS / 2);
    expect(simulator.ledger.requests).toBeLessThan(CALLS / 2);
  });
});
