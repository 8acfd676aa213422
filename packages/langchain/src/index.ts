/**
 * Hard budget limits for LangChain 1.x and LangGraph.
 *
 * @example
 * import { guardChatModel } from '@agentkavach/langchain';
 * const model = guardChatModel(new ChatOpenAI({ model: 'gpt-4o' }), guard);
 */
export { guardChatModel } from './guard-chat-model.ts';
export type { GuardOrOptions } from './guard-of.ts';
