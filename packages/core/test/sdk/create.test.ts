import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  AgentKavach,
  Budget,
  BudgetExceededError,
  ConfigError,
  type KavachOptions,
  type ProviderName,
} from '../../src/index.ts';
import { rejection, spentNano } from '../../src/testing/index.ts';
import { world, type World } from './world.ts';

const MODELS = {
  openai: 'gpt-4o',
  anthropic: 'claude-sonnet-4-6',
  google: 'gemini-2.5-flash',
  mistral: 'mistral-large-latest',
} as const;

const messages = [
  { role: 'system' as const, content: 'Be brief.' },
  { role: 'user' as const, content: 'What is the weather in Paris?' },
  {
    role: 'assistant' as const,
    content: null,
    tool_calls: [
      { id: 'call12345', type: 'function' as const, function: { name: 'weather', arguments: '{"city":"Paris"}' } },
    ],
  },
  { role: 'tool' as const, tool_call_id: 'call12345', content: 'sunny' },
];
const tools = [
  {
    type: 'function' as const,
    function: {
      name: 'weather',
      description: 'The weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
    },
  },
];

/** An address as the provider's own SDK takes it. */
function address(w: World, provider: ProviderName): string {
  const url = w.sim.baseURL(provider);
  return provider === 'openai' ? url : url.replace(/\/v1(beta)?$/, '');
}

function guardFor(w: World, provider: ProviderName, options: KavachOptions = {}): AgentKavach {
  return new AgentKavach({
    budget: Budget.total(1),
    provider,
    llmKey: 'test',
    baseURL: address(w, provider),
    ...options,
  });
}

afterEach(() => vi.unstubAllEnvs());

describe.each(Object.entries(MODELS) as [ProviderName, string][])('guard.create() with %s', (provider, model) => {
  it('takes OpenAI’s form and is charged what the provider bills', async () => {
    await using w = await world();
    const guard = guardFor(w, provider);
    const next = w.sim.nextRequest();
    const answer = await guard.create({ model, messages, tools, temperature: 0.5 });
    const { request } = await next;
    expect(JSON.stringify(answer)).toContain('simulator');
    expect(request.provider).toBe(provider);
    expect(request.toolNames).toEqual(['weather']);
    for (const text of ['Be brief.', 'weather in Paris', 'sunny']) expect(JSON.stringify(request.body)).toContain(text);
    expect(request.maxOutputTokens).toBeGreaterThan(0);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(spentNano(guard)).toBeGreaterThan(0);
  });

  it('streams', async () => {
    await using w = await world();
    const guard = guardFor(w, provider);
    const chunks: unknown[] = [];
    const stream = await guard.create({ model, messages, stream: true });
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.length).toBeGreaterThan(1);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(spentNano(guard)).toBeGreaterThan(0);
  });

  it('keeps the cap that the caller sets', async () => {
    await using w = await world(() => ({ tokens: 400 }));
    const guard = guardFor(w, provider);
    const next = w.sim.nextRequest();
    await guard.create({ model, messages, max_tokens: 300 });
    expect((await next).request.maxOutputTokens).toBe(300);
  });

  it('is refused by the budget, and by an aborted signal', async () => {
    await using w = await world();
    const guard = guardFor(w, provider, { budget: Budget.total(0.0000001) });
    expect(await rejection(guard.create({ model, messages }))).toBeInstanceOf(BudgetExceededError);
    await rejection(guardFor(w, provider).create({ model, messages }, { signal: AbortSignal.abort() }));
    expect(w.sim.ledger.requests).toBe(0);
  });

  it('sends without a cap of the guard where the mode is soft', async () => {
    await using w = await world();
    const guard = guardFor(w, provider, { mode: 'soft' });
    await guard.create({ model, messages });
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });
});

describe('whom guard.create() asks', () => {
  it('is told by the model’s name where nobody says it', async () => {
    await using w = await world();
    vi.stubEnv('ANTHROPIC_BASE_URL', address(w, 'anthropic'));
    vi.stubEnv('ANTHROPIC_API_KEY', 'test');
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const answer = await guard.create({ model: 'claude-sonnet-4-6', messages: [{ role: 'user', content: 'Hi' }] });
    expect(answer.content[0]).toMatchObject({ type: 'text' });
  });

  it('never gets the key of another provider', async () => {
    await using w = await world();
    vi.stubEnv('ANTHROPIC_BASE_URL', address(w, 'anthropic'));
    vi.stubEnv('ANTHROPIC_API_KEY', 'its-own');
    const guard = new AgentKavach({ budget: Budget.total(1), llmKey: 'of-openai', baseURL: address(w, 'openai') });
    const seen: unknown[] = [];
    w.sim.script((request) => {
      seen.push(request.headers['authorization']);
      return {};
    });
    await guard.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] });
    await guard.create({ model: 'claude-sonnet-4-6', messages: [{ role: 'user', content: 'Hi' }] });
    expect(seen).toEqual(['Bearer of-openai', 'Bearer its-own']);
  });

  it('must be known', async () => {
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const error = await rejection(guard.create({ model: 'llama-4', messages: [] }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ path: 'provider' });
    expect(() => new AgentKavach({ provider: 'cohere' as 'openai' })).toThrow(ConfigError);
  });
});
