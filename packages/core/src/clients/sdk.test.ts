import { describe, expect, it } from 'vitest';
import { ProviderSdkMissingError } from '../provider-sdk-error.ts';
import { makeClient } from './sdk.ts';

const NOTHING = { llmKey: 'key', baseURL: undefined };

async function failure(load: () => Promise<unknown>): Promise<unknown> {
  return makeClient('anthropic', NOTHING, load).then(
    () => undefined,
    (error: unknown) => error,
  );
}

function notFound(name: string): Promise<never> {
  return Promise.reject(
    Object.assign(new Error(`Cannot find package '${name}' imported from /app/index.js`), {
      code: 'ERR_MODULE_NOT_FOUND',
    }),
  );
}

describe('a provider’s SDK', () => {
  it('that is missing is an error that names the package to install', async () => {
    const error = await failure(() => notFound('@anthropic-ai/sdk'));
    expect(error).toBeInstanceOf(ProviderSdkMissingError);
    expect(error).toMatchObject({ provider: 'anthropic', packageName: '@anthropic-ai/sdk' });
    expect((error as Error).message).toContain('npm install @anthropic-ai/sdk');
  });

  it('that fails to load for another reason says so itself', async () => {
    expect(await failure(() => notFound('some-dependency'))).not.toBeInstanceOf(ProviderSdkMissingError);
    expect(await failure(() => Promise.reject(new SyntaxError('broken')))).toBeInstanceOf(SyntaxError);
  });

  it.each(['openai', 'anthropic', 'google', 'mistral'] as const)(
    'is loaded and given the key: %s',
    async (provider) => {
      const client = await makeClient(provider, { llmKey: 'key', baseURL: 'http://127.0.0.1:1' });
      expect(client.constructor.name).toBe(
        { openai: 'OpenAI', anthropic: 'Anthropic', google: 'GoogleGenAI', mistral: 'Mistral' }[provider],
      );
    },
  );
});
