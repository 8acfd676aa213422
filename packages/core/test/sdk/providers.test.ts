import { describe, expect, it } from 'vitest';
import { AgentKavach, Budget, BudgetExceededError, findKavachError } from '../../src/index.ts';
import { rejection, reserved, spentNano } from '../../src/testing/index.ts';
import { world, type World } from './world.ts';

const text = 'What is the capital of France?';
const messages = [{ role: 'user' as const, content: text }];

/** Each way of asking, through a wrapped client. */
const WAYS: Readonly<Record<string, (w: World, guard: AgentKavach) => Promise<unknown>>> = {
  'OpenAI chat': (w, guard) => guard.wrap(w.openai()).chat.completions.create({ model: 'gpt-4o', messages }),
  'OpenAI chat, streamed': async (w, guard) =>
    drained(await guard.wrap(w.openai()).chat.completions.create({ model: 'gpt-4o', messages, stream: true })),
  'OpenAI text completion': (w, guard) =>
    guard.wrap(w.openai()).completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: [text], n: 2 }),
  'OpenAI text completion, streamed': async (w, guard) =>
    drained(
      await guard.wrap(w.openai()).completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: text, stream: true }),
    ),
  'OpenAI chat, stream helper': (w, guard) =>
    guard.wrap(w.openai()).chat.completions.stream({ model: 'gpt-4o', messages }).finalChatCompletion(),
  'OpenAI responses': (w, guard) => guard.wrap(w.openai()).responses.create({ model: 'gpt-5-mini', input: text }),
  'OpenAI responses, streamed': async (w, guard) =>
    drained(await guard.wrap(w.openai()).responses.create({ model: 'gpt-5-mini', input: text, stream: true })),
  'OpenAI embeddings': (w, guard) =>
    guard.wrap(w.openai()).embeddings.create({ model: 'text-embedding-3-small', input: [text, text] }),
  'OpenAI images': (w, guard) =>
    guard.wrap(w.openai()).images.generate({ model: 'gpt-image-1', prompt: text, quality: 'low', n: 2 }),
  'Anthropic messages': (w, guard) =>
    guard.wrap(w.anthropic()).messages.create({ model: 'claude-sonnet-4-6', max_tokens: 500, messages }),
  'Anthropic messages, streamed': async (w, guard) =>
    drained(
      await guard
        .wrap(w.anthropic())
        .messages.create({ model: 'claude-sonnet-4-6', max_tokens: 500, messages, stream: true }),
    ),
  'Anthropic messages, stream helper': (w, guard) =>
    guard.wrap(w.anthropic()).messages.stream({ model: 'claude-sonnet-4-6', max_tokens: 500, messages }).finalMessage(),
  'Anthropic beta messages': (w, guard) =>
    guard.wrap(w.anthropic()).beta.messages.create({ model: 'claude-sonnet-4-6', max_tokens: 500, messages }),
  'Google generateContent': (w, guard) =>
    guard.wrap(w.google()).models.generateContent({ model: 'gemini-2.5-flash', contents: text }),
  'Google generateContentStream': async (w, guard) =>
    drained(await guard.wrap(w.google()).models.generateContentStream({ model: 'gemini-2.5-flash', contents: text })),
  'Google chat': (w, guard) =>
    guard.wrap(w.google()).chats.create({ model: 'gemini-2.5-flash' }).sendMessage({ message: text }),
  'Mistral chat': (w, guard) => guard.wrap(w.mistral()).chat.complete({ model: 'mistral-large-latest', messages }),
  'Mistral chat, streamed': async (w, guard) =>
    drained(await guard.wrap(w.mistral()).chat.stream({ model: 'mistral-large-latest', messages })),
  'Mistral completion in the middle': (w, guard) =>
    guard.wrap(w.mistral()).fim.complete({ model: 'codestral-latest', prompt: 'def f(', suffix: 'return a' }),
  'Mistral completion in the middle, streamed': async (w, guard) =>
    drained(await guard.wrap(w.mistral()).fim.stream({ model: 'codestral-latest', prompt: 'def f(' })),
  'Mistral embeddings': (w, guard) =>
    guard.wrap(w.mistral()).embeddings.create({ model: 'mistral-embed', inputs: [text] }),
};

async function drained(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  expect(chunks.length).toBeGreaterThan(1);
  return chunks;
}

describe.each(Object.entries(WAYS))('%s', (name, ask) => {
  it('is charged what the provider bills, to the nano-dollar', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const spends: unknown[] = [];
    guard.on('spend', (event) => spends.push(event));
    await ask(w, guard);
    expect(w.sim.ledger.requests).toBe(1);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(spentNano(guard)).toBeGreaterThan(0);
    expect(reserved(guard)).toBe(0);
    expect(spends).toMatchObject([{ outcome: 'completed', estimated: false }]);
  });

  it('is refused with the guard’s own error, once, and nothing is sent', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(0.0000001) });
    const denied: unknown[] = [];
    guard.on('denied', (event) => denied.push(event));
    const error = await rejection(ask(w, guard));
    // A helper of an SDK makes an error of its own out of whatever ends its stream, with ours as the cause.
    expect(name.endsWith('helper') ? findKavachError(error) : error).toBeInstanceOf(BudgetExceededError);
    expect(w.sim.ledger.requests).toBe(0);
    expect(denied).toHaveLength(1);
  });

  it('goes through untouched where the guard is switched off', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(0.0000001), apiKey: 'malformed' });
    await ask(w, guard);
    expect(w.sim.ledger.requests).toBe(1);
    expect(spentNano(guard)).toBe(0);
  });
});
