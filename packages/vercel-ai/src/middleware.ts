/** The middlewares for the AI SDK: one small object for each kind of model that the SDK can wrap. */
import type { EmbeddingModelV4Middleware, ImageModelV4Middleware, LanguageModelV4Middleware } from '@ai-sdk/provider';
import { AgentKavach, type KavachOptions } from '@agentkavach/core';
import { guardedEmbed } from './embedding.ts';
import { guardedImage } from './image.ts';
import { guardedGenerate, guardedStream, type Guarding } from './language.ts';
import { checkOnKillStream, type OnKillStream } from './stream.ts';

/** How a middleware behaves, besides its guard's options. */
export interface KavachSettings {
  /** How a kill shows in a running stream. Default `error`. */
  readonly onKillStream?: OnKillStream | undefined;
}

/** What a guard is made of: a guard, its options, or nothing for the environment's options and defaults. */
export type GuardOrOptions = AgentKavach | (KavachOptions & KavachSettings);

/**
 * Language model middleware that holds each call to the guard's budgets and guardrails.
 *
 * @param guardOrOptions a guard to share, the options of a new one, or nothing: a new guard from `AGENTKAVACH_*`
 * variables and defaults
 * @param settings `onKillStream`, where a guard is given
 * @throws ConfigError for wrong options; at call time, the guard's errors, which the SDK does not retry
 * @example
 * const model = wrapLanguageModel({ model: openai('gpt-4o'), middleware: kavach({ budget: Budget.daily(5) }) });
 */
export function kavach(guardOrOptions?: GuardOrOptions, settings: KavachSettings = {}): LanguageModelV4Middleware {
  const guarding = guardingOf(guardOrOptions, settings);
  return {
    specificationVersion: 'v4',
    wrapGenerate: ({ model, params }) => guardedGenerate(guarding, model, params, (sent) => model.doGenerate(sent)),
    wrapStream: ({ model, params }) => guardedStream(guarding, model, params, (sent) => model.doStream(sent)),
  };
}

/**
 * Embedding model middleware. Each chunk that `embedMany` sends is a call.
 *
 * @example
 * const model = wrapEmbeddingModel({ model: openai.embeddingModel('text-embedding-3-small'), middleware: kavachEmbedding(guard) });
 */
export function kavachEmbedding(guardOrOptions?: GuardOrOptions): EmbeddingModelV4Middleware {
  const { guard } = guardingOf(guardOrOptions, {});
  return {
    specificationVersion: 'v4',
    wrapEmbed: ({ model, params }) => guardedEmbed(guard, model, params, (sent) => model.doEmbed(sent)),
  };
}

/**
 * Image model middleware.
 *
 * @example
 * const model = wrapImageModel({ model: openai.imageModel('gpt-image-1'), middleware: kavachImage(guard) });
 */
export function kavachImage(guardOrOptions?: GuardOrOptions): ImageModelV4Middleware {
  const { guard } = guardingOf(guardOrOptions, {});
  return {
    specificationVersion: 'v4',
    wrapGenerate: ({ model, params }) => guardedImage(guard, model, params, (sent) => model.doGenerate(sent)),
  };
}

/** The guard and the settings that a function of this package was called with. */
export function guardingOf(guardOrOptions: GuardOrOptions | undefined, settings: KavachSettings): Guarding {
  if (AgentKavach.isInstance(guardOrOptions)) {
    return { guard: guardOrOptions, onKillStream: checkOnKillStream(settings.onKillStream) };
  }
  const { onKillStream = settings.onKillStream, ...options } = guardOrOptions ?? {};
  return { guard: new AgentKavach(options), onKillStream: checkOnKillStream(onKillStream) };
}
