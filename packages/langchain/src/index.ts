/**
 * Hard budget limits for LangChain 1.x and LangGraph.
 *
 * @example
 * import { kavachMiddleware } from '@agentkavach/langchain';
 * const agent = createAgent({ model: 'openai:gpt-4o', tools, middleware: [kavachMiddleware(guard)] });
 */
export { guardChatModel } from './guard-chat-model.ts';
export { guardEmbeddings } from './guard-embeddings.ts';
export type { GuardOrOptions } from './guard-of.ts';
export { KavachHandler, type KavachConfig } from './handler.ts';
export { kavachMiddleware, type KavachMiddlewareSettings } from './middleware.ts';
export { kavachHandler, type ReadyHandler } from './ready-handler.ts';
