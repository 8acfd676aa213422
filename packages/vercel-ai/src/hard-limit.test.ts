import { AgentKavach, Budget, ConfigError } from '@agentkavach/core';
import { describe, expect, it } from 'vitest';
import { assertGroundingHoldable, holdable, unpriceable } from './hard-limit.ts';
import type { CallParams } from './provider-options.ts';

const OPENAI = { provider: 'openai.responses', modelId: 'gpt-5' };
const AZURE = { provider: 'azure.responses', modelId: 'gpt-5' };
const CLAUDE = { provider: 'anthropic.messages', modelId: 'claude-haiku-4-5' };
const GEMINI = { provider: 'google.generative-ai', modelId: 'gemini-2.5-pro' };
const ROUTER = { provider: 'openrouter.chat', modelId: 'openai/gpt-4o-mini' };
const GATEWAY = { provider: 'gateway', modelId: 'anthropic/claude-haiku-4-5' };
const tool = (id: string, args: object = {}) => ({ type: 'provider', id, name: id, args });
const guard = (mode: 'hard' | 'soft' | 'observe' = 'hard') => new AgentKavach({ budget: Budget.total(1), mode });

describe('a call that a hard limit can’t hold', () => {
  it.each([
    [CLAUDE, { anthropic: { fallbacks: [{ model: 'claude-opus-5', max_tokens: 64_000 }] } }, 'anthropic.fallbacks'],
    [CLAUDE, { anthropic: { fallbacks: 'default' } }, 'anthropic.fallbacks'],
    [GATEWAY, { anthropic: { fallbacks: 'default' } }, 'anthropic.fallbacks'],
    [GATEWAY, { gateway: { models: ['a/b'] } }, 'gateway.models'],
    [ROUTER, { openrouter: { models: ['openai/gpt-4o-mini', 'openai/o1-pro'] } }, 'openrouter.models'],
    [ROUTER, { openrouter: { model: 'openai/o1-pro' } }, 'openrouter.model'],
    [ROUTER, { openaiCompatible: { model: 'openai/o1-pro' } }, 'openaiCompatible.model'],
    [{ provider: 'my-proxy.chat', modelId: 'x' }, { myProxy: { model: 'y' } }, 'myProxy.model'],
  ])('%j %j', (model, providerOptions, option) => {
    const error = unpriceable(model, { providerOptions });
    expect(error).toBeInstanceOf(ConfigError);
    expect(error?.path).toBe(`providerOptions.${option}`);
    expect(error?.message).toContain(`providerOptions.${option}`);
    expect(error?.message).toMatch(/Leave the option out|leave the option out/);
    expect(() => holdable(guard(), model, { providerOptions })).toThrow(ConfigError);
    const params = { providerOptions };
    expect(holdable(guard('soft'), model, params)).toBe(params);
  });

  it.each([
    [CLAUDE, { anthropic: { fallbacks: [] } }],
    [CLAUDE, { openrouter: { models: ['a'] } }],
    [GATEWAY, { gateway: { order: ['bedrock'], models: [] } }],
    [ROUTER, { openrouter: { model: 'openai/gpt-4o-mini' } }],
  ])('is not %j %j', (model, providerOptions) => {
    expect(unpriceable(model, { providerOptions })).toBeUndefined();
  });

  it.each([
    [OPENAI, 'openai.image_generation', /kavachImage\(\)/],
    [CLAUDE, 'anthropic.advisor_20260301', /guarded model as an ordinary tool/],
    [{ ...GEMINI, modelId: 'gemini-3-pro-preview' }, 'google.google_search', /Gemini 2\.5/],
    [{ provider: 'mistral.conversations', modelId: 'm' }, 'mistral.web_search', /mistral\.web_search.*ordinary tool/],
    [{ provider: 'xai.responses', modelId: 'grok-4' }, 'xai.x_search', /xai\.x_search/],
    [GATEWAY, 'gateway.perplexity_search', /gateway\.perplexity_search/],
  ])('has a tool without a known price or a limit: %j %s', (model, id, advice) => {
    const error = unpriceable(model, { tools: [tool(id)] });
    expect(error?.path).toBe('tools');
    expect(error?.message).toMatch(advice);
  });

  it('is an image grounded by a search that is billed by the query', () => {
    const images = { ...GEMINI, modelId: 'gemini-3-pro-image-preview' };
    expect(() => assertGroundingHoldable(guard(), images)).toThrow(/providerOptions\.google\.googleSearch/);
    expect(() => assertGroundingHoldable(guard('soft'), images)).not.toThrow();
    expect(() => assertGroundingHoldable(guard(), GEMINI)).not.toThrow();
  });

  it('is not one with tools that have a limit, a bill by the prompt, or that the caller runs', () => {
    expect(unpriceable(GEMINI, { tools: [tool('google.google_search'), tool('google.url_context')] })).toBeUndefined();
    expect(unpriceable(OPENAI, { tools: [tool('openai.web_search'), tool('openai.shell')] })).toBeUndefined();
    expect(unpriceable(CLAUDE, { tools: [tool('anthropic.code_execution_20250825')] })).toBeUndefined();
    expect(unpriceable(OPENAI, { tools: [{ type: 'function', name: 'image_generation' }] })).toBeUndefined();
  });
});

describe('the ceiling on tools that the provider runs', () => {
  const search: CallParams = { prompt: [], tools: [tool('openai.web_search')] };

  it('is sent to OpenAI where the caller set none', () => {
    expect(holdable(guard(), OPENAI, search).providerOptions).toEqual({ openai: { maxToolCalls: 5 } });
    const options = { openai: { store: false, maxToolCalls: null }, other: { a: 1 } };
    expect(holdable(guard(), OPENAI, { ...search, providerOptions: options }).providerOptions).toEqual({
      openai: { store: false, maxToolCalls: 5 },
      other: { a: 1 },
    });
  });

  it.each([2, 20])('is the caller’s own: %i', (maxToolCalls) => {
    const params = { ...search, providerOptions: { openai: { maxToolCalls } } };
    expect(holdable(guard(), OPENAI, params).providerOptions).toEqual({ openai: { maxToolCalls } });
  });

  it('reaches Azure’s models, which read their own options alone', () => {
    const params = { ...search, providerOptions: { azure: { user: 'u' } } };
    expect(holdable(guard(), AZURE, params).providerOptions).toEqual({
      azure: { user: 'u', maxToolCalls: 5 },
      openai: { maxToolCalls: 5 },
    });
  });

  it('is set on Anthropic’s web tools where the caller set none', () => {
    const mine = { type: 'function', name: 'mine' };
    const params = {
      tools: [
        mine,
        tool('anthropic.web_search_20250305', { allowedDomains: ['a.example'] }),
        tool('anthropic.web_fetch_20250910', { maxUses: 2 }),
        tool('anthropic.code_execution_20250825'),
      ],
    };
    const { tools } = holdable(guard(), CLAUDE, params);
    expect(tools?.map((entry) => (entry as { args?: object }).args)).toEqual([
      undefined,
      { allowedDomains: ['a.example'], maxUses: 5 },
      { maxUses: 2 },
      {},
    ]);
    expect(params.tools[1]).not.toHaveProperty('args.maxUses');
  });

  it('leaves every other call as it is', () => {
    for (const mode of ['soft', 'observe'] as const) expect(holdable(guard(mode), OPENAI, search)).toBe(search);
    const others: CallParams[] = [{}, { tools: [{ type: 'function', name: 'f' }], providerOptions: { openai: {} } }];
    for (const params of others) expect(holdable(guard(), OPENAI, params)).toBe(params);
  });
});
