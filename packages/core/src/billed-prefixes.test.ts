import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { BilledPrefixes, conversationOf, type Conversation } from './billed-prefixes.ts';
import { Budget } from './budget/budget.ts';
import type { CallRequest, Usage } from './call.ts';
import { BudgetExceededError } from './errors.ts';
import { AgentKavach } from './kavach.ts';
import { sharpBound } from './pricing/sharpen.ts';

interface Message {
  readonly role: string;
  readonly content: unknown;
}

const SYSTEM = { role: 'system', content: 'Answer in one sentence, and look things up before you do.' };
const ask = (content: unknown): Message => ({ role: 'user', content });
const say = (content: unknown): Message => ({ role: 'assistant', content });
const TOOLS = [{ type: 'function', function: { name: 'lookup', parameters: { type: 'object' } } }];
const SIGNED = { __gemini_function_call_thought_signatures__: { call_1: 'x' } };
const FIRST = [SYSTEM, ask('Who wrote Dune?')];
const SECOND = [...FIRST, say('Frank Herbert.'), ask('When?')];

const requestOf = (messages: readonly unknown[], more: Partial<CallRequest> = {}): CallRequest => ({
  provider: 'openai',
  model: 'gpt-4o',
  input: { messages, tools: TOOLS },
  textOnly: true,
  ...more,
});
const seen = (request: CallRequest): Conversation => {
  const conversation = conversationOf(request);
  if (conversation === undefined) throw new Error('The request was expected to be a conversation.');
  return conversation;
};

/** A memory in which the first request was billed 300 tokens. */
async function memory(of = requestOf(FIRST)) {
  const clock = { now: 0 };
  const prefixes = new BilledPrefixes(() => clock.now);
  await prefixes.learn(seen(of), 300);
  return { clock, prefixes };
}

describe('what was billed for the beginning of a conversation', () => {
  it('bounds it, with the bound of what is new', async () => {
    const { prefixes } = await memory();
    const fresh = await sharpBound({ messages: SECOND.slice(2) }, 'openai', 'gpt-4o');
    expect(await prefixes.boundOf(seen(requestOf(SECOND)))).toBe(300 + fresh);
    expect(await prefixes.boundOf(seen(requestOf(FIRST)))).toBe(
      300 + (await sharpBound({ messages: [] }, 'openai', 'gpt-4o')),
    );
    await prefixes.learn(seen(requestOf(SECOND)), 340);
    const third = [...SECOND, say('1965.'), ask('Thanks.')];
    const bound = await prefixes.boundOf(seen(requestOf(third)));
    expect(bound).toBe(340 + (await sharpBound({ messages: third.slice(4) }, 'openai', 'gpt-4o')));
  });

  it.each<[string, CallRequest]>([
    ['another message', requestOf([SYSTEM, ask('Who wrote Dune!'), ...SECOND.slice(2)])],
    ['one that is left out', requestOf(SECOND.slice(1))],
    ['another order', requestOf([FIRST[1], SYSTEM, ...SECOND.slice(2)])],
    ['a shorter one', requestOf([SYSTEM])],
    ['another model', requestOf(SECOND, { model: 'gpt-4o-mini' })],
    ['another endpoint', requestOf(SECOND, { provider: 'azure' })],
    ['another address', requestOf(SECOND, { address: 'https://proxy.example' })],
    ['another tool', requestOf(SECOND, { input: { messages: SECOND, tools: [] } })],
    ['a choice of tool', requestOf(SECOND, { input: { messages: SECOND, tools: TOOLS, tool_choice: 'none' } })],
  ])('does not bound %s', async (_, request) => {
    const { prefixes } = await memory();
    expect(await prefixes.boundOf(seen(request))).toBe(Infinity);
  });

  it('is of the messages as they were when it was asked, whatever becomes of them', async () => {
    const messages = [SYSTEM, { role: 'user', content: 'Who wrote Dune?' }];
    const asked = seen(requestOf(messages));
    messages[1]!.content = 'Who wrote all of these? '.repeat(50);
    const prefixes = new BilledPrefixes(() => 0);
    await prefixes.learn(asked, 300);
    expect(await prefixes.boundOf(seen(requestOf(messages)))).toBe(Infinity);
    expect(await prefixes.boundOf(seen(requestOf(FIRST)))).toBeLessThan(400);
  });

  it('is forgotten after an hour, and where 512 newer ones are known', async () => {
    const { clock, prefixes } = await memory();
    clock.now = 3_600_000;
    expect(await prefixes.boundOf(seen(requestOf(SECOND)))).toBeLessThan(Infinity);
    clock.now += 1;
    expect(await prefixes.boundOf(seen(requestOf(SECOND)))).toBe(Infinity);
    await prefixes.learn(seen(requestOf(FIRST)), 300);
    const others = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, n) => prefixes.learn(seen(requestOf([ask(`${n}`)])), 300)));
    await others(511);
    expect(await prefixes.boundOf(seen(requestOf(SECOND)))).toBeLessThan(Infinity);
    await others(512);
    expect(await prefixes.boundOf(seen(requestOf(SECOND)))).toBe(Infinity);
  });

  it('is learnt where most of it are ids', async () => {
    const id = 'x'.repeat(60);
    const part = { type: 'tool-call', toolCallId: id, toolName: 'f', providerOptions: { openai: { itemId: id } } };
    const asked = requestOf([ask('Hi'), ...Array.from({ length: 20 }, () => say([part]))]);
    const prefixes = new BilledPrefixes(() => 0);
    await prefixes.learn(seen(asked), 180);
    expect(await prefixes.boundOf(seen(asked))).toBeLessThan(300);
  });

  it('is not learnt from a report that leaves most of the text out', async () => {
    const long = requestOf([ask('Tell me all that you know of Dune. '.repeat(200))]);
    const prefixes = new BilledPrefixes(() => 0);
    await prefixes.learn(seen(long), 12);
    expect(await prefixes.boundOf(seen(long))).toBe(Infinity);
    await prefixes.learn(seen(long), 1_700);
    expect(await prefixes.boundOf(seen(long))).toBeLessThan(2_000);
  });
});

describe('a report that leaves out what came from a cache', () => {
  it('does not replace a higher one of the same conversation', async () => {
    const { prefixes } = await memory();
    const before = await prefixes.boundOf(seen(requestOf(SECOND)));
    await prefixes.learn(seen(requestOf(FIRST)), 100);
    expect(await prefixes.boundOf(seen(requestOf(SECOND)))).toBe(before);
    await prefixes.learn(seen(requestOf(FIRST)), 310);
    expect(await prefixes.boundOf(seen(requestOf(SECOND)))).toBe(before + 10);
  });

  it('is not learnt where the beginning was billed more, while that is known', async () => {
    const { clock, prefixes } = await memory();
    const third = requestOf([...SECOND, say('1965.'), ask('Thanks.')]);
    const before = await prefixes.boundOf(seen(third));
    await prefixes.learn(seen(requestOf(SECOND)), 120);
    expect(await prefixes.boundOf(seen(third))).toBe(before);
    clock.now = 3_600_001;
    await prefixes.learn(seen(requestOf(SECOND)), 120);
    expect(await prefixes.boundOf(seen(third))).toBeLessThan(before);
  });
});

describe('conversationOf', () => {
  const body = (more: object) => ({ input: { messages: SECOND, ...more } });

  it.each<[string, Partial<CallRequest>]>([
    ['media', { textOnly: undefined }],
    ['input that the request does not show', { inputTokens: 10 }],
    ['rounds of a provider’s own tools', { inputRounds: 2 }],
    ['embeddings', { kind: 'embedding' }],
    ['a router', { provider: 'openrouter', model: 'openai/gpt-4o' }],
    ['a model that nobody knows at a known provider', { provider: 'google-vertex', model: 'llama-4' }],
    ['no list', { input: 'Who wrote Dune?' }],
    ['a stored answer', body({ previous_response_id: 'resp_1' })],
    ['thinking', body({ thinking: { type: 'enabled', budget_tokens: 1_024 } })],
    ['context that is edited', body({ context_management: { edits: [] } })],
    ['truncation', body({ truncation: 'auto' })],
    ['a field that is not known', body({ magic: true })],
    ['an option that is not known', body({ providerOptions: { openai: { truncation: 'auto' } } })],
    ['a thinking block', { input: [ask('Hi'), say([{ type: 'thinking', thinking: 'Hm', signature: 'x' }])] }],
    ['reasoning by reference', { input: { input: [{ type: 'reasoning', id: 'rs_1' }] } }],
    ['a signed thought', { input: { contents: [{ parts: [{ functionCall: {}, thoughtSignature: 'x' }] }] } }],
    ['thoughts signed under LangChain’s name', { input: [{ role: 'assistant', additional: SIGNED }] }],
    ['what can’t be written as JSON', { input: [ask(1n)] }],
    ['what throws', { input: [ask({ toJSON: () => expect.fail() })] }],
    ['tools that JSON does not show whole', body({ tools: [z.object({ a: z.string().describe('x') })] })],
    ['what JSON leaves out', body({ tools: new Map([['a', TOOLS]]) })],
    ['a function', body({ tools: [{ ...TOOLS[0], run: () => 1 }] })],
    ['too many messages', { input: Array.from({ length: 1_001 }, () => ask('Hi')) }],
    ['too much text', { input: [ask('x'.repeat(1_000_001))] }],
  ])('takes no note of %s', (_, change) => {
    expect(conversationOf(requestOf(SECOND, change))).toBeUndefined();
  });

  it.each<[string, Partial<CallRequest>]>([
    ['a list of messages', { input: SECOND }],
    ['Anthropic’s messages', { provider: 'anthropic', model: 'claude-opus-5', ...body({ system: 'Be brief.' }) }],
    ['Google’s contents', { provider: 'google', model: 'gemini-2.5-pro', input: { contents: [{ parts: [] }] } }],
    ['OpenAI’s items', { input: { input: [ask('Hi')], instructions: 'Be brief.' } }],
    ['text about thoughts', { input: [ask('{"type":"thinking","signature":"x"}')] }],
    [
      'the AI SDK’s prompt',
      { input: { prompt: SECOND, tools: undefined, providerOptions: { openai: { parallelToolCalls: false } } } },
    ],
  ])('takes note of %s', (_, change) => {
    expect(conversationOf(requestOf(SECOND, change))).toBeDefined();
  });
});

/** A provider that counts as OpenAI publishes it: tokens of each message, and what stands around it. */
function billed(messages: readonly Message[]): number {
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  const perMessage = messages.map(({ role, content }) => 4 + countTokens(role) + countTokens(text(content)));
  return perMessage.reduce((sum, tokens) => sum + tokens, 3 + 30 + countTokens(JSON.stringify(TOOLS)));
}

const word = fc.oneof(fc.string({ unit: 'grapheme' }), fc.lorem({ maxCount: 20 }), fc.json());
const message = fc.record({
  role: fc.constantFrom('user', 'assistant', 'tool'),
  content: fc.oneof(word, fc.array(fc.record({ type: fc.constant('text'), text: word }), { maxLength: 3 })),
});
const messages = fc.array(message, { minLength: 1, maxLength: 6 });

describe('the bound that goes on from a bill', () => {
  it('holds for whatever is added', { timeout: 60_000 }, async () => {
    const property = fc.asyncProperty(messages, messages, async (before, after) => {
      const prefixes = new BilledPrefixes(() => 0);
      await prefixes.learn(seen(requestOf(before)), billed(before));
      const all = [...before, ...after];
      const bound = await prefixes.boundOf(seen(requestOf(all)));
      expect(bound).toBeGreaterThanOrEqual(billed(all));
    });
    await fc.assert(property, { numRuns: 500 });
  });
});

describe('a guard on cents', () => {
  const prices = { 'gpt-4o': { inputPerMillion: 50, outputPerMillion: 50 } };
  // A history of 6,000 characters of JSON has about 1,900 tokens; the first bound of it is more than 30,000.
  const history = Array.from({ length: 20 }, (_, n) => ask({ n, rows: [{ id: `row-${n}`, value: n * 17.5 }] }));
  const request = requestOf(history, { maxOutputTokens: 100, canClampOutput: true });
  const after = requestOf([...history, say('Done.'), ask('And now?')], { maxOutputTokens: 100, canClampOutput: true });
  const call = (guard: AgentKavach, asked: CallRequest, usage: Usage, model?: string) =>
    guard.call(asked, async () => ({ value: 'x', usage, ...(model === undefined ? {} : { model }) }));
  const small = (): AgentKavach => new AgentKavach({ budget: Budget.total(0.1), prices, waitMs: 0 });
  const usage = { inputTokens: 700, outputTokens: 10 };

  it('goes on with a conversation whose bound alone would be refused', async () => {
    const bound = await sharpBound(request.input, 'openai', 'gpt-4o');
    const room = 0.1 - 710 * 50e-6;
    expect((bound + 100) * 50e-6).toBeGreaterThan(room);
    const guard = small();
    await call(guard, request, usage);
    let held = 0;
    await guard.call(after, async () => {
      held = guard.status().budgets[0]?.reserved ?? 0;
      return { value: 'x', usage: { inputTokens: 720, outputTokens: 10 } };
    });
    expect(held).toBeGreaterThan((720 + 100) * 50e-6);
    expect(held).toBeLessThan(room);
  });

  it.each<[string, Usage, string?]>([
    ['of several requests', { ...usage, parts: [{ inputTokens: 5, outputTokens: 5 }] }],
    ['of another model', usage, 'gpt-4o-mini'],
  ])('learns nothing from a bill %s', async (_, reported, model) => {
    const guard = new AgentKavach({
      budget: Budget.total(0.1),
      prices: { ...prices, 'gpt-4o-mini': prices['gpt-4o'] },
      waitMs: 0,
    });
    await call(guard, request, reported, model);
    guard.setLimit('total', (guard.status().budgets[0]?.spent ?? 0) + 0.0645);
    await expect(call(guard, after, usage)).rejects.toThrow(BudgetExceededError);
  });

  it('is never billed more, whatever it talks about', { timeout: 60_000 }, async () => {
    let steps = 0;
    const property = fc.asyncProperty(
      fc.array(messages, { minLength: 3, maxLength: 8 }),
      fc.nat(),
      async (turns, seed) => {
        const limit = 0.02 + (seed % 80) / 1_000;
        const guard = new AgentKavach({ budget: Budget.total(limit), prices, waitMs: 0 });
        const said: Message[] = [];
        let total = 0;
        for (const turn of turns) {
          said.push(...turn);
          const asked = requestOf([...said], { canClampOutput: true });
          const answer = guard.call(asked, async ({ maxOutputTokens = 0 }) => {
            const usage = { inputTokens: billed(said), outputTokens: seed % (maxOutputTokens + 1) };
            total += (usage.inputTokens + usage.outputTokens) * 50e-6;
            steps += 1;
            return { value: 'x', usage };
          });
          await answer.catch((error: unknown) => expect(error).toBeInstanceOf(BudgetExceededError));
          guard.resume();
        }
        expect(total).toBeLessThanOrEqual(limit + 1e-9);
      },
    );
    await fc.assert(property, { numRuns: 150 });
    expect(steps).toBeGreaterThan(100);
  });

  it('hashes nothing while there is money', async () => {
    const digest = vi.spyOn(crypto.subtle, 'digest');
    const guard = new AgentKavach({ budget: Budget.total(100), prices });
    await call(guard, request, usage);
    expect(digest).not.toHaveBeenCalled();
    digest.mockRestore();
  });
});
