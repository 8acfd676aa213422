/** Knows chat models by their methods, of whatever copy of @langchain/core they are. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';

/** Whether a value is a chat model. */
export function isChatModel(value: unknown): value is BaseChatModel {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, '_generate') === 'function' &&
    typeof Reflect.get(value, 'generatePrompt') === 'function'
  );
}
