/** Which provider and model a LangChain model stands for, in the names that the price catalog uses. */
import { text, type Fields } from './shape.ts';

/** A model as the guard names it. */
export interface ModelName {
  readonly provider: string;
  readonly model: string;
}

// What the integrations write into `ls_provider`; those that write nothing give the name of their class.
const PROVIDERS: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  google_genai: 'google',
  googlegenerativeai: 'google',
  googlevertexai: 'google-vertex',
  google: 'google',
  google_vertexai: 'google-vertex',
  vertexai: 'google-vertex',
  mistralai: 'mistral',
  mistral_ai: 'mistral',
  amazon_bedrock: 'amazon-bedrock',
  bedrockconverse: 'amazon-bedrock',
  azure_openai: 'azure',
  azureopenai: 'azure',
};

/** What the classes for Azure name where they were given nothing but a deployment, whatever model that is. */
const ASSUMED = new Set(['gpt-3.5-turbo', 'gpt-3.5-turbo-instruct', 'text-embedding-ada-002']);

/**
 * The catalog's name for a model, from LangChain's own metadata.
 *
 * @param metadata `ls_provider` and `ls_model_name`, as each model gives them for tracing
 * @param params the parameters that the model is invoked with
 * @param deployment Azure's name for what is asked, which is what decides there
 */
export function modelNameOf(metadata: Fields | undefined, params: Fields | undefined, deployment?: string): ModelName {
  const named = text(metadata?.['ls_provider']) ?? text(params?.['_type']) ?? 'unknown';
  const model =
    text(params?.['model']) ?? text(metadata?.['ls_model_name']) ?? text(params?.['model_name']) ?? 'unknown';
  const provider = providerOf(named);
  if (provider === 'azure' && ASSUMED.has(model)) return { provider, model: deployment ?? model };
  return { provider, model: model.startsWith('models/') ? model.slice('models/'.length) : model };
}

function providerOf(named: string): string {
  if (Object.hasOwn(PROVIDERS, named)) return PROVIDERS[named] ?? named; // most calls; the rest is slow
  const key = named.toLowerCase().replaceAll('-', '_');
  return Object.hasOwn(PROVIDERS, key) ? (PROVIDERS[key] ?? key) : key.replaceAll('_', '-');
}
