/**
 * Hard budget limits for the Vercel AI SDK 7.
 *
 * @example
 * import { generateText, wrapLanguageModel } from 'ai';
 * import { kavach } from '@agentkavach/vercel-ai';
 * const model = wrapLanguageModel({ model: openai('gpt-4o'), middleware: kavach() });
 */
export { guardModel, type GuardModelSettings } from './guard-model.ts';
export { kavachProvider } from './guard-provider.ts';
export { kavach, kavachEmbedding, kavachImage, type GuardOrOptions, type KavachSettings } from './middleware.ts';
export { normaliseProvider, type ModelName } from './provider-name.ts';
export { kavachStopWhen } from './stop-when.ts';
export type { OnKillStream } from './stream.ts';
