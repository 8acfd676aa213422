import type {
  EmbeddingModelMiddleware,
  ImageModelMiddleware,
  LanguageModel,
  LanguageModelMiddleware,
  StopCondition,
  ToolSet,
} from 'ai';
import type {
  EmbeddingModelV4Middleware,
  ImageModelV4Middleware,
  LanguageModelV2,
  LanguageModelV4,
  LanguageModelV4Middleware,
} from '@ai-sdk/provider';
import { createOpenAI, type OpenAIProvider } from '@ai-sdk/openai';
import { AgentKavach, Budget } from '@agentkavach/core';
import { expectTypeOf, it } from 'vitest';
import { guardModel, kavach, kavachEmbedding, kavachImage, kavachProvider, kavachStopWhen } from '../src/index.ts';

// Assignments without a cast: the compiler is the test.
it('fits the AI SDK’s own types without casts', () => {
  const guard = new AgentKavach({ budget: Budget.total(1) });
  const language: LanguageModelMiddleware = kavach(guard);
  const languageV4: LanguageModelV4Middleware = kavach({ budget: Budget.daily(5), onKillStream: 'truncate' });
  const embedding: EmbeddingModelMiddleware & EmbeddingModelV4Middleware = kavachEmbedding(guard);
  const image: ImageModelMiddleware & ImageModelV4Middleware = kavachImage(guard);
  const stop: StopCondition<ToolSet> = kavachStopWhen(guard);
  const provider: OpenAIProvider = kavachProvider(createOpenAI({ apiKey: 'test' }), guard);
  const model: LanguageModel = provider('gpt-4o');
  void [language, languageV4, embedding, image, stop, model];

  expectTypeOf(guardModel<LanguageModelV4>).returns.toEqualTypeOf<LanguageModelV4>();
  expectTypeOf(guardModel<LanguageModelV2>).returns.toEqualTypeOf<LanguageModelV2>();
  expectTypeOf(kavachProvider<OpenAIProvider>).returns.toEqualTypeOf<OpenAIProvider>();
});
