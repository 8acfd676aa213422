/** Request fields that let another model answer than the one whose price is held. */
import type { Refusal } from './draft.ts';
import { fields, list, text, type Fields } from './usage-fields.ts';

const FALLBACK =
  'a fallback model may cost more than the one asked. Leave the field out, catch the error and ask the other model yourself';

/**
 * OpenRouter's `models`, its presets (openrouter.ai/docs/features/presets) and its automatic choice, Anthropic's `fallbacks` (a list,
 * or the text `default`), and the models that Vercel's gateway falls back to.
 */
export function otherModel(body: Fields, model: string): Refusal | undefined {
  for (const path of ['models', 'fallbacks'])
    if (list(body[path]).length > 0 || text(body[path]) !== undefined) return { path, reason: FALLBACK };
  const { gateway } = fields(body['providerOptions']) ?? {};
  if (list(fields(gateway)?.['models']).length > 0) return { path: 'providerOptions.gateway.models', reason: FALLBACK };
  if (text(body['preset']) !== undefined || model.includes('@preset/'))
    return {
      path: model.includes('@preset/') ? 'model' : 'preset',
      reason:
        'a preset is kept at OpenRouter, and may name other models and tools of its own. Write its settings into the request',
    };
  if (model === 'openrouter/auto')
    return { path: 'model', reason: 'openrouter/auto may choose any model at any price. Name the model' };
  return undefined;
}
