/** Which provider and model a model object stands for, in the names that the price catalog uses. */

/** A model as the guard names it. */
export interface ModelName {
  readonly provider: string;
  readonly model: string;
}

/** What every AI SDK model object says about itself. */
export interface ModelIdentity {
  readonly provider: string;
  readonly modelId: string;
}

const ALIASES: Readonly<Record<string, string>> = {
  vertex: 'google-vertex',
  googleVertex: 'google-vertex',
  bedrock: 'amazon-bedrock',
  amazonBedrock: 'amazon-bedrock',
  'azure-openai': 'azure',
};

/**
 * The catalog's names for an AI SDK model. A provider id has the endpoint behind a dot (`openai.responses`,
 * `anthropic.messages`); the gateway has the provider before a slash in the model id; Vertex stands under Google's name.
 *
 * @example normaliseProvider('openai.responses', 'gpt-4o') // { provider: 'openai', model: 'gpt-4o' }
 * @example normaliseProvider('gateway', 'anthropic/claude-sonnet-4-5') // { provider: 'anthropic', model: 'claude-sonnet-4-5' }
 */
export function normaliseProvider(provider: string, modelId: string): ModelName {
  if (provider.startsWith('google.vertex')) return { provider: 'google-vertex', model: modelId };
  const [root = provider] = provider.split('.');
  if (root === 'gateway') {
    const slash = modelId.indexOf('/');
    if (slash > 0) return { provider: canonical(modelId.slice(0, slash)), model: modelId.slice(slash + 1) };
  }
  return { provider: canonical(root), model: modelId };
}

function canonical(root: string): string {
  return Object.hasOwn(ALIASES, root) ? (ALIASES[root] ?? root) : root;
}

/**
 * The id of another model of the same provider: with the gateway's prefix, where the present one has it.
 *
 * @example siblingId('openai/gpt-4o', 'gpt-4o', 'gpt-4o-mini') // 'openai/gpt-4o-mini'
 */
export function siblingId(modelId: string, model: string, other: string): string {
  const prefix = modelId.endsWith(model) ? modelId.slice(0, modelId.length - model.length) : '';
  return other.startsWith(prefix) ? other : prefix + other;
}
