import { ChatAnthropic } from '@langchain/anthropic';
import { AzureChatOpenAI, ChatOpenAI } from '@langchain/openai';
import { ChatMistralAI } from '@langchain/mistralai';
import { describe, expect, it } from 'vitest';
import { addressOf } from './attempt.ts';

const HOST = 'https://proxy.example/v1';
const apiKey = 'test';

describe('the address of a model', () => {
  it.each([
    ['OpenAI', new ChatOpenAI({ apiKey, configuration: { baseURL: HOST } })],
    ['OpenAI with tools', new ChatOpenAI({ apiKey, configuration: { baseURL: HOST } }).bindTools([])],
    ['Anthropic', new ChatAnthropic({ apiKey, anthropicApiUrl: HOST })],
    ['Anthropic’s client', new ChatAnthropic({ apiKey, clientOptions: { baseURL: HOST } })],
    ['Mistral', new ChatMistralAI({ apiKey, serverURL: HOST })],
    [
      'Azure',
      new AzureChatOpenAI({ azureOpenAIApiKey: apiKey, azureOpenAIEndpoint: HOST, azureOpenAIApiVersion: '1' }),
    ],
    ['the arguments of a class', { configuration: { baseURL: HOST } }],
  ])('is found: %s', (_, model) => {
    expect(addressOf(model)).toContain(HOST);
  });

  it('is left out where none is set', () => {
    expect(addressOf(new ChatOpenAI({ apiKey }))).toBeUndefined();
    expect(addressOf(undefined)).toBeUndefined();
  });
});
