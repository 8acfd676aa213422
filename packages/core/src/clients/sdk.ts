/** Makes the client of a provider's official SDK, which is an optional peer: it is loaded when first asked for. */
import type Anthropic from '@anthropic-ai/sdk';
import type { GoogleGenAI } from '@google/genai';
import type { Mistral } from '@mistralai/mistralai';
import type OpenAI from 'openai';
import { ProviderSdkMissingError } from '../provider-sdk-error.ts';
import type { ProviderName } from './create-types.ts';

/** The packages, and how each is loaded. The comment keeps a bundler from asking for the SDKs that an app does not use. */
const SDKS: Readonly<Record<ProviderName, { readonly name: string; load(): Promise<unknown> }>> = {
  openai: { name: 'openai', load: () => import(/* webpackIgnore: true */ 'openai') },
  anthropic: { name: '@anthropic-ai/sdk', load: () => import(/* webpackIgnore: true */ '@anthropic-ai/sdk') },
  google: { name: '@google/genai', load: () => import(/* webpackIgnore: true */ '@google/genai') },
  mistral: { name: '@mistralai/mistralai', load: () => import(/* webpackIgnore: true */ '@mistralai/mistralai') },
};

/** The clients. */
export interface Clients {
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  readonly google: GoogleGenAI;
  readonly mistral: Mistral;
}

/** Key and address; what is left out is what the SDK takes by itself: its environment variable and its own address. */
export interface Access {
  readonly llmKey: string | undefined;
  readonly baseURL: string | undefined;
}

type Client = new (options: Readonly<Record<string, unknown>>) => unknown;

/**
 * A client of a provider.
 *
 * @param load loads the package
 * @throws ProviderSdkMissingError naming the package to install
 */
export async function makeClient<P extends ProviderName>(
  provider: P,
  { llmKey, baseURL }: Access,
  load: () => Promise<unknown> = SDKS[provider].load,
): Promise<Clients[P]> {
  const { name } = SDKS[provider];
  let sdk: Readonly<Record<string, unknown>>;
  try {
    sdk = (await load()) as typeof sdk;
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw new ProviderSdkMissingError(
      `guard.create() asks ${provider} with the package ${name}, which is not installed. Run: npm install ${name}`,
      provider,
      name,
      { cause },
    );
  }
  return new (classOf(sdk, provider))(optionsFor(provider, llmKey, baseURL)) as Clients[P];
}

function classOf(sdk: Readonly<Record<string, unknown>>, provider: ProviderName): Client {
  const { default: main } = sdk;
  if (provider === 'google') return sdk['GoogleGenAI'] as Client;
  if (provider === 'mistral') return sdk['Mistral'] as Client;
  // From CommonJS the class may stand one default deeper.
  return (typeof main === 'function' ? main : (main as { default: unknown }).default) as Client;
}

function optionsFor(provider: ProviderName, key: string | undefined, url: string | undefined): Record<string, unknown> {
  const apiKey = key === undefined ? {} : { apiKey: key };
  if (url === undefined) return apiKey;
  if (provider === 'google') return { ...apiKey, httpOptions: { baseUrl: url } };
  return provider === 'mistral' ? { ...apiKey, serverURL: url } : { ...apiKey, baseURL: url };
}

/** Whether the package itself was not found, and not one that it needs. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  const isNotFound = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return isNotFound && typeof message === 'string' && message.includes(`'${name}'`);
}
