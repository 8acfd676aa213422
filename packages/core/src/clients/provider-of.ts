/** Which provider `guard.create()` asks. */
import { ConfigError } from '../errors.ts';
import { show } from '../show.ts';
import type { ProviderName } from './create-types.ts';

/** Models by name, as `ProviderOf` has them for the compiler. */
const MODELS: readonly (readonly [pattern: RegExp, provider: ProviderName])[] = [
  [/^claude-/, 'anthropic'],
  [/^(models\/)?(gemini|gemma)-/, 'google'],
  [/^(mistral|ministral|codestral|magistral|devstral|pixtral|open-mi)/, 'mistral'],
  [/^(gpt-|chatgpt-|o[134]|codex-|ft:)/, 'openai'],
];

/**
 * The provider of a request.
 *
 * @param named what the request or the guard says
 * @throws ConfigError where neither says it, and the model's name doesn't either
 */
export function providerFor(named: unknown, model: unknown): ProviderName {
  if (isProvider(named)) return named;
  if (named !== undefined)
    throw new ConfigError(`provider must be 'openai', 'anthropic', 'google' or 'mistral', got ${show(named)}.`, {
      path: 'provider',
    });
  if (typeof model !== 'string' || model === '')
    throw new ConfigError(`guard.create(): model must be a model's id such as 'gpt-4o', got ${show(model)}.`, {
      path: 'model',
    });
  for (const [pattern, provider] of MODELS) if (pattern.test(model)) return provider;
  throw new ConfigError(
    `guard.create(): the name ${show(model)} does not say whose model it is. Set provider: 'openai', 'anthropic', 'google' or 'mistral', on the guard or in the request.`,
    { path: 'provider' },
  );
}

/** Whether a value names a provider. */
function isProvider(value: unknown): value is ProviderName {
  return value === 'openai' || value === 'anthropic' || value === 'google' || value === 'mistral';
}
