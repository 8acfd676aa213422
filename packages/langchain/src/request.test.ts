import { HumanMessage } from '@langchain/core/messages';
import { AgentKavach, Budget, ConfigError } from '@agentkavach/core';
import { describe, expect, it } from 'vitest';
import { assertHoldable, hostedFees } from './hosted-tools.ts';
import { modelNameOf } from './model-name.ts';
import { toCallRequest } from './request.ts';

const messages = [new HumanMessage('Hi')];
const OPENAI = { provider: 'openai', model: 'gpt-4o' };
const CLAUDE = { provider: 'anthropic', model: 'claude-sonnet-4-5' };
const GEMINI = { provider: 'google', model: 'gemini-2.5-flash' };

describe('toCallRequest', () => {
  it.each([
    [OPENAI, { max_tokens: 9 }, { maxOutputTokens: 9 }],
    [OPENAI, { max_completion_tokens: 9 }, { maxOutputTokens: 9 }],
    [OPENAI, { max_tokens: -1 }, { maxOutputTokens: undefined }],
    [GEMINI, { generationConfig: { maxOutputTokens: 9 } }, { maxOutputTokens: 9 }],
    [GEMINI, { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } }, { hidesOutput: undefined }],
    [OPENAI, { reasoning: { effort: 'low' } }, { hidesOutput: true }],
    [CLAUDE, { thinking: { type: 'adaptive' } }, { hidesOutput: true }],
    [CLAUDE, { service_tier: 'auto' }, { serviceTier: undefined, cacheWrite: 'none' }],
    [CLAUDE, { inference_geo: 'us' }, { serviceTier: 'us' }],
    [OPENAI, { n: 2, best_of: 5 }, { candidates: 5 }],
    [{ ...OPENAI, model: 'gpt-4o-search-preview' }, {}, { toolCalls: { web_search_preview: 1 } }],
    [OPENAI, { service_tier: 'flex', n: 3 }, { serviceTier: 'flex', candidates: 3, cacheWrite: undefined }],
    [OPENAI, { previous_response_id: 'resp_1' }, { inputTokens: Number.MAX_SAFE_INTEGER }],
    [OPENAI, { prediction: { type: 'content', content: 'abcd' } }, { extraOutputTokens: 12 }],
    [OPENAI, {}, { textOnly: true, inputTokens: undefined, extraOutputTokens: undefined }],
  ])('%#', (name, params, expected) => {
    expect(toCallRequest({ name, messages, params })).toMatchObject(expected);
  });

  it('knows by the prompt array that it is one call', () => {
    expect(toCallRequest({ name: OPENAI, messages, params: {} }).identity).toBe(messages);
  });

  it('leaves the cap of a Claude model with a thinking budget alone', () => {
    const clamps = (thinking: object): boolean | undefined =>
      toCallRequest({ name: OPENAI, messages: [], params: { thinking }, canClampOutput: true }).canClampOutput;
    expect(clamps({ type: 'enabled', budget_tokens: 2_000 })).toBe(false);
    expect(clamps({ type: 'adaptive' })).toBe(true);
  });
});

describe('hosted tools', () => {
  it.each([
    [CLAUDE, { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 3 }] }, { web_search: 3 }, 4],
    [CLAUDE, { tools: [{ type: 'code_execution_20250825', name: 'x' }] }, { code_execution: 10 }, 11],
    [OPENAI, { tools: [{ type: 'web_search' }], max_tool_calls: 2 }, { web_search: 2 }, 3],
    [GEMINI, { tools: [{ googleSearch: {} }] }, { google_search: 1 }, 2],
  ])('are held with the fee of each call: %#', (name, params, toolCalls, inputRounds) => {
    expect(hostedFees(name, params)).toEqual({ isHosted: true, toolCalls, inputRounds });
  });

  it('are not what the caller runs', () => {
    const tools = [
      { type: 'function', function: {} },
      { type: 'bash_20250124' },
      { name: 'a', input_schema: {} },
      { functionDeclarations: [] },
    ];
    expect(hostedFees(CLAUDE, { tools })).toMatchObject({ isHosted: false });
  });

  it.each([
    [OPENAI, { tools: [{ type: 'web_search' }] }],
    [CLAUDE, { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    [{ provider: 'google', model: 'gemini-3-pro-preview' }, { tools: [{ googleSearch: {} }] }],
  ])('without a limit are refused by a hard limit: %#', (name, params) => {
    const hard = new AgentKavach({ budget: Budget.total(1) });
    const soft = new AgentKavach({ budget: Budget.total(1), mode: 'soft' });
    expect(() => assertHoldable(hard, name, params)).toThrow(ConfigError);
    expect(() => assertHoldable(soft, name, params)).not.toThrow();
  });
});

describe('modelNameOf', () => {
  it.each([
    [{ ls_provider: 'google_genai', ls_model_name: 'models/gemini-2.5-flash' }, {}, 'google', 'gemini-2.5-flash'],
    [{ ls_provider: 'amazon_bedrock', ls_model_name: 'x' }, {}, 'amazon-bedrock', 'x'],
    [{ ls_provider: 'AzureOpenAI' }, { model: 'gpt-4o' }, 'azure', 'gpt-4o'],
    [{ ls_provider: 'MistralAI', ls_model_name: 'mistral-embed' }, {}, 'mistral', 'mistral-embed'],
    [{ ls_provider: 'groq', ls_model_name: 'llama' }, { model: 'llama-3' }, 'groq', 'llama-3'],
    [undefined, undefined, 'unknown', 'unknown'],
  ])('%#', (metadata, params, provider, model) => {
    expect(modelNameOf(metadata, params)).toEqual({ provider, model });
  });
});
