import { describe, expect, it, vi } from 'vitest';
import { AgentKavach, Budget, KilledError, type KavachOptions } from '../../src/index.ts';
import { rejection, reserved, spends, spentNano } from '../../src/testing/index.ts';
import { world, type World } from './world.ts';

const text = 'What is the capital of France?';
const messages = [{ role: 'user' as const, content: text }];

type Open = (w: World, guard: AgentKavach) => Promise<AsyncIterable<unknown>>;

/** A stream of each provider, with a cap of 1,000 tokens. */
const STREAMS: Readonly<Record<string, Open>> = {
  'OpenAI chat': (w, guard) =>
    guard
      .wrap(w.openai({ maxRetries: 2 }))
      .chat.completions.create({ model: 'gpt-4o', max_tokens: 1_000, messages, stream: true }),
  'OpenAI responses': (w, guard) =>
    guard
      .wrap(w.openai({ maxRetries: 2 }))
      .responses.create({ model: 'gpt-4.1', max_output_tokens: 1_000, input: text, stream: true }),
  Anthropic: (w, guard) =>
    guard
      .wrap(w.anthropic({ maxRetries: 2 }))
      .messages.create({ model: 'claude-sonnet-4-6', max_tokens: 1_000, messages, stream: true }),
  Google: (w, guard) =>
    guard.wrap(w.google()).models.generateContentStream({
      model: 'gemini-2.0-flash',
      contents: text,
      config: { maxOutputTokens: 1_000 },
    }),
  Mistral: (w, guard) =>
    guard.wrap(w.mistral()).chat.stream({ model: 'mistral-medium-latest', maxTokens: 1_000, messages }),
};

const STALLS = () => ({ tokens: 400, hold: new Promise(() => {}), holdAfterChunks: 3 });

function setUp(options: KavachOptions = {}) {
  const guard = new AgentKavach({ budget: Budget.total(10), ...options });
  return { guard, all: spends(guard).all };
}

async function drain(stream: AsyncIterable<unknown>, each: (n: number) => unknown = () => undefined): Promise<void> {
  let n = 0;
  for await (const _ of stream) if (each(++n) === true) break;
}

describe.each(Object.entries(STREAMS))('a stream of %s', (_, open) => {
  it('that the consumer leaves is charged what it showed, and ends at the provider', async () => {
    await using w = await world(STALLS);
    const { guard, all } = setUp();
    await drain(await open(w, guard), (n) => n === 3);
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    await guard.flush();
    expect(all).toMatchObject([{ outcome: 'cancelled', estimated: true }]);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  });

  it('that a kill ends throws the guard’s error, and is not asked for again', async () => {
    await using w = await world(STALLS);
    const { guard } = setUp();
    const stream = await open(w, guard);
    const error = await rejection(drain(stream, (n) => void (n === 3 && guard.kill('manual'))));
    expect(error).toBeInstanceOf(KilledError);
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).toBe('aborted');
    expect(w.sim.ledger.requests).toBe(1);
  });

  it.each(['cutAfterChunks', 'errorEventAfterChunks'] as const)(
    'that breaks off (%s) is charged what it holds',
    async (way) => {
      await using w = await world(() => ({ tokens: 400, [way]: 3 }));
      const { guard, all } = setUp();
      const stream = await open(w, guard);
      await drain(stream).catch(() => undefined); // Mistral's client passes an error event on as data
      expect(all).toMatchObject([{ outcome: 'unknown', estimated: true }]);
      expect(all[0]?.outputTokens).toBe(1_000);
      expect(reserved(guard)).toBe(0);
    },
  );

  it('that closes in order before its last word is charged what it holds', async () => {
    await using w = await world(() => ({ tokens: 400 }));
    const { guard, all } = setUp();
    const send = globalThis.fetch;
    const cutting = vi.spyOn(globalThis, 'fetch').mockImplementation(async (...request) => {
      const answer = await send(...request);
      const text = await answer.text();
      return new Response(text.slice(0, text.length / 2), answer);
    });
    await drain(await open(w, guard)).catch(() => undefined); // some of the clients notice
    cutting.mockRestore();
    expect(all).toMatchObject([{ outcome: 'unknown', outputTokens: 1_000 }]);
    expect(reserved(guard)).toBe(0);
  });

  it('with tool calls, and cached input where there is any, is charged what is billed, and counts the tools', async () => {
    await using w = await world(() => ({
      text: 'Let me see.',
      usage: { inputTokens: 900, cacheRead: 300 },
      toolCalls: [{ name: 'weather', arguments: { city: 'Paris' } }, { name: 'time' }],
    }));
    const { guard, all } = setUp({ guardrails: { maxToolCallsPerRun: 2 } });
    await drain(await open(w, guard));
    expect(all).toMatchObject([{ outcome: 'completed', estimated: false }]);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(await rejection(open(w, guard))).toMatchObject({ code: 'KAVACH_TOOL_LIMIT' });
  });

  it('without usage is charged an estimate, not nothing', async () => {
    await using w = await world(() => ({ tokens: 100, omitUsage: true }));
    const { guard, all } = setUp();
    await drain(await open(w, guard));
    await guard.flush();
    expect(all).toMatchObject([{ outcome: 'completed', estimated: true }]);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });
});

describe('the retries of a client', () => {
  it('are calls of their own at Anthropic, Google and Mistral', async () => {
    await using w = await world(({ n }) => (n % 2 === 1 ? { error: { status: 503, retryAfter: 0 } } : {}));
    const { guard, all } = setUp({ budget: [Budget.total(10), Budget.calls(100, 'total')] });
    await guard
      .wrap(w.anthropic({ maxRetries: 1 }))
      .messages.create({ model: 'claude-sonnet-4-6', max_tokens: 100, messages });
    const retryOptions = { attempts: 2, initialDelay: 0.001, maxDelay: 0.001 };
    await guard
      .wrap(w.google({ httpOptions: { retryOptions } }))
      .models.generateContent({ model: 'gemini-2.0-flash', contents: text });
    const backoff = { initialInterval: 1, maxInterval: 1, exponent: 1, maxElapsedTime: 5_000 };
    await guard
      .wrap(w.mistral({ retryConfig: { strategy: 'backoff', backoff, retryConnectionErrors: true } }))
      .chat.complete({ model: 'mistral-large-latest', messages });
    expect(w.sim.ledger.requests).toBe(6);
    expect(all.map(({ outcome }) => outcome)).toEqual(Array(3).fill(['released', 'completed']).flat());
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(guard.status().budgets[1]).toMatchObject({ spent: 6 });
  });

  it('leave a refusal alone where they are on', async () => {
    await using w = await world();
    const { guard } = setUp({ budget: Budget.total(0.0000001) });
    const denied: unknown[] = [];
    guard.on('denied', (event) => denied.push(event));
    const retryOptions = { attempts: 5, initialDelay: 60, maxDelay: 60 };
    const google = guard.wrap(w.google({ httpOptions: { retryOptions } }));
    const backoff = { initialInterval: 60_000, maxInterval: 60_000, exponent: 1, maxElapsedTime: 600_000 };
    const mistral = guard.wrap(
      w.mistral({ retryConfig: { strategy: 'backoff', backoff, retryConnectionErrors: true } }),
    );
    const code = 'KAVACH_BUDGET_EXCEEDED';
    const asked = google.models.generateContent({ model: 'gemini-2.0-flash', contents: text });
    expect(await rejection(asked)).toMatchObject({ code });
    expect(await rejection(mistral.chat.complete({ model: 'mistral-large-latest', messages }))).toMatchObject({ code });
    expect(denied).toHaveLength(2);
  });
});
