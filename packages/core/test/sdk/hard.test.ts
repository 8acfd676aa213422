import { describe, expect, it, vi } from 'vitest';
import { AgentKavach, Budget, ConfigError, type KavachOptions } from '../../src/index.ts';
import { rejection, spentNano } from '../../src/testing/index.ts';
import { world, type World } from './world.ts';

const messages = [{ role: 'user' as const, content: 'Hi' }];

/** Requests that a hard limit can't hold. */
const REFUSED: Readonly<Record<string, (w: World, guard: AgentKavach) => Promise<unknown>>> = {
  'a batch at OpenAI': (w, guard) =>
    guard
      .wrap(w.openai())
      .batches.create({ input_file_id: 'f', endpoint: '/v1/chat/completions', completion_window: '24h' }),
  'a batch at Anthropic': (w, guard) =>
    guard.wrap(w.anthropic()).messages.batches.create({
      requests: [{ custom_id: '1', params: { model: 'claude-opus-5', max_tokens: 5, messages } }],
    }),
  speech: (w, guard) =>
    guard.wrap(w.openai()).audio.speech.create({ model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'Hi' }),
  training: (w, guard) => guard.wrap(w.openai()).fineTuning.jobs.create({ model: 'gpt-4o', training_file: 'f' }),
  'a vector store’s file': (w, guard) => guard.wrap(w.openai()).vectorStores.files.create('vs', { file_id: 'f' }),
  'an endpoint that nobody knows': (w, guard) => guard.wrap(w.openai()).post('/quantum/thoughts', { body: {} }),
  'the image generation tool': (w, guard) =>
    guard.wrap(w.openai()).responses.create({ model: 'gpt-5', input: 'Hi', tools: [{ type: 'image_generation' }] }),
  'images of a model that is not named': (w, guard) => guard.wrap(w.openai()).images.generate({ prompt: 'Hi' }),
  'Google Search where each query is billed': (w, guard) =>
    guard.wrap(w.google()).models.generateContent({
      model: 'gemini-3-pro-preview',
      contents: 'Hi',
      config: { tools: [{ googleSearch: {} }] },
    }),
  'a cache at Google': (w, guard) =>
    guard.wrap(w.google()).caches.create({ model: 'gemini-2.5-pro', config: { contents: 'Hi' } }),
  'a longer life for a cache at Google': (w, guard) =>
    guard.wrap(w.google()).caches.update({ name: 'cachedContents/c', config: { ttl: '86400s' } }),
  'a live session that makes music': (w, guard) =>
    guard.wrap(w.google()).live.music.connect({ model: 'lyria', callbacks: { onmessage: () => undefined } }),
  'a body that is no JSON': (w, guard) =>
    guard.wrap(w.openai()).post('/chat/completions', { body: new Uint8Array([31, 139, 8, 0]) }),
  'a live session': (w, guard) =>
    guard.wrap(w.google()).live.connect({ model: 'gemini-2.5-flash', callbacks: { onmessage: () => undefined } }),
  'a conversation at Mistral': (w, guard) =>
    guard.wrap(w.mistral()).beta.conversations.start({ model: 'mistral-large-latest', inputs: 'Hi' }),
};

describe.each(Object.entries(REFUSED))('%s', (_, ask) => {
  it('is refused under a hard limit, with what to do instead, and nothing is sent', async () => {
    await using w = await world();
    const sent = vi.spyOn(globalThis, 'fetch');
    const error = await rejection(ask(w, new AgentKavach({ budget: Budget.total(100) })));
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(/A hard limit can't hold .+: .+, or set mode: 'soft'\.$/);
    expect(sent).not.toHaveBeenCalled();
    sent.mockRestore();
  });
});

describe('an endpoint without a price', () => {
  it('is sent under a soft limit, which says once that it does not see the cost', async () => {
    await using w = await world();
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const guard = new AgentKavach({ budget: Budget.total(100), mode: 'soft', agentName: 'soft-one' });
    for (let i = 0; i < 2; i++)
      expect(await rejection(guard.wrap(w.openai()).post('/quantum/thoughts', { body: {} }))).toMatchObject({
        status: 404,
      });
    expect(warn.mock.calls.filter(([line]) => String(line).includes('/quantum/thoughts'))).toHaveLength(1);
    warn.mockRestore();
  });
});

describe('an endpoint that is free', () => {
  it.each([
    ['OpenAI’s models', (w: World, guard: AgentKavach) => guard.wrap(w.openai()).models.list()],
    [
      'OpenAI’s moderations',
      (w: World, guard: AgentKavach) => guard.wrap(w.openai()).moderations.create({ input: 'Hi' }),
    ],
    [
      'Anthropic’s count of tokens',
      (w: World, guard: AgentKavach) =>
        guard.wrap(w.anthropic()).messages.countTokens({ model: 'claude-opus-5', messages }),
    ],
    [
      'Google’s count of tokens',
      (w: World, guard: AgentKavach) =>
        guard.wrap(w.google()).models.countTokens({ model: 'gemini-2.5-pro', contents: 'Hi' }),
    ],
  ])('%s: goes through where no money is left', async (_, ask) => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(0.0000001) });
    // The simulator does not have it; what counts is that its answer came.
    expect(await rejection(ask(w, guard))).toMatchObject({ status: 404 });
  });
});

describe('tools that the provider runs', () => {
  const guardOf = (options: KavachOptions = {}) => new AgentKavach({ budget: Budget.total(100), ...options });

  it('get a ceiling from a hard limit', async () => {
    await using w = await world();
    const next = w.sim.nextRequest();
    await guardOf()
      .wrap(w.openai())
      .responses.create({ model: 'gpt-5', input: 'Hi', tools: [{ type: 'web_search' }] });
    expect((await next).request.body['max_tool_calls']).toBe(5);
    const second = w.sim.nextRequest();
    await guardOf()
      .wrap(w.anthropic())
      .messages.create({
        model: 'claude-opus-5',
        max_tokens: 500,
        messages,
        tools: [{ type: 'web_search_20250305', name: 'web_search' }],
      });
    expect((await second).request.body['tools']).toMatchObject([{ max_uses: 5 }]);
  });

  it('keep the caller’s own limit, and none is set under a soft one', async () => {
    await using w = await world();
    const next = w.sim.nextRequest();
    await guardOf()
      .wrap(w.openai())
      .responses.create({ model: 'gpt-5', input: 'Hi', max_tool_calls: 2, tools: [{ type: 'web_search' }] });
    expect((await next).request.body['max_tool_calls']).toBe(2);
    const second = w.sim.nextRequest();
    await guardOf({ mode: 'soft' })
      .wrap(w.openai())
      .responses.create({ model: 'gpt-5', input: 'Hi', tools: [{ type: 'web_search' }] });
    expect((await second).request.body['max_tool_calls']).toBeUndefined();
  });
});

describe('a threshold that switches the model', () => {
  const options = { budget: Budget.total(1), onThreshold: { 0.5: { model: 'gpt-4o-mini' } } };

  it('is followed in the body, and the cap takes the name that the other model reads', async () => {
    await using w = await world();
    const guard = new AgentKavach(options);
    guard.charge(0.6, 'before');
    const before = spentNano(guard);
    const next = w.sim.nextRequest();
    await guard.wrap(w.openai()).chat.completions.create({ model: 'gpt-4o', messages });
    expect((await next).request.model).toBe('gpt-4o-mini');
    expect(spentNano(guard) - before).toBe(w.sim.ledger.totalNano());
  });

  it('is followed in Google’s address', async () => {
    await using w = await world();
    const guard = new AgentKavach({ ...options, onThreshold: { 0.5: { model: 'gemini-2.5-flash-lite' } } });
    guard.charge(0.6, 'before');
    const next = w.sim.nextRequest();
    await guard.wrap(w.google()).models.generateContent({ model: 'gemini-2.5-pro', contents: 'Hi' });
    expect((await next).request.model).toBe('gemini-2.5-flash-lite');
  });
});
