/** `guard.wrap()`: which official client it is, and how each is wrapped. */
import type { Engine } from '../engine.ts';
import { ConfigError } from '../errors.ts';
import { show } from '../show.ts';
import { wrapGoogle, type GoogleClient } from './google.ts';
import { wrapMistral, type MistralClient } from './mistral.ts';
import { wrapStainless, type StainlessClient } from './stainless.ts';
import { isWrapped } from './wrapped-clients.ts';

/**
 * A client of the same type whose requests the guard governs. Clients are known by their parts, not by their class, so that
 * one from another copy of the SDK is known too.
 *
 * @throws ConfigError for anything that is no client of a known SDK
 */
export function wrapClient<C extends object>(engine: Engine, client: C): C {
  if (isWrapped(engine, client)) return client;
  if (has(client, 'withOptions', 'function')) {
    const stainless = client as C & StainlessClient;
    if (has(client, 'chat', 'object') && has(client, 'embeddings', 'object'))
      return wrapStainless(engine, stainless, has(client, 'deploymentName') ? 'azure' : 'openai');
    if (has(client, 'messages', 'object')) return wrapStainless(engine, stainless, 'anthropic');
  }
  if (has(client, 'models', 'object') && has(client, 'vertexai', 'boolean'))
    return wrapGoogle(engine, client as C & GoogleClient);
  if (has(client, '_options', 'object') && has(client, 'fim', 'object'))
    return wrapMistral(engine, client as C & MistralClient);
  throw new ConfigError(
    `guard.wrap() takes a client of openai, @anthropic-ai/sdk, @google/genai or @mistralai/mistralai, got ${show(client)}. For any other client use guard.call().`,
    { path: 'client' },
  );
}

function has(client: unknown, name: string, type?: string): boolean {
  if (typeof client !== 'object' || client === null || !(name in client)) return false;
  return type === undefined || typeof Reflect.get(client, name) === type;
}
