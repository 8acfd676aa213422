/** Request fields that let another model answer than the one whose price is held. */
import type { Refusal } from './draft.ts';
import { list, text, type Fields } from './usage-fields.ts';

/** OpenRouter's `models`, Anthropic's `fallbacks` (a list, or the text `default`), and OpenRouter's automatic choice. */
export function otherModel(body: Fields, model: string): Refusal | undefined {
  for (const path of ['models', 'fallbacks'])
    if (list(body[path]).length > 0 || text(body[path]) !== undefined)
      return {
        path,
        reason:
          'a fallback model may cost more than the one asked. Leave the field out, catch the error and ask the other model yourself',
      };
  if (model === 'openrouter/auto')
    return { path: 'model', reason: 'openrouter/auto may choose any model at any price. Name the model' };
  return undefined;
}
