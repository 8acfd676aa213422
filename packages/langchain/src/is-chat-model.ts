/** Knows chat models by their methods, of whatever copy of @langchain/core they are. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';

/** Whether a value is a chat model. */
export function isChatModel(value: unknown): value is BaseChatModel {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, '_generate') === 'function' &&
    typeof Reflect.get(value, 'generatePrompt') === 'function' &&
    !completesTexts(value)
  );
}

/** The classes that complete texts have the same methods, which take strings where those of a chat model take messages. */
function completesTexts(model: object): boolean {
  const kind: unknown = Reflect.get(model, '_modelType');
  return typeof kind === 'function' && Reflect.apply(kind, model, []) === 'base_llm';
}
