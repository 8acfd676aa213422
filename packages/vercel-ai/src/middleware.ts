/** The middlewares for the AI SDK: one small object for each kind of model that the SDK can wrap. */
import type { EmbeddingModelV4Middleware, ImageModelV4Middleware, LanguageModelV4Middleware } from '@ai-sdk/provider';
import { AgentKavach, ConfigError, type KavachOptions } from '@agentkavach/core';
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

/**
 * The guard and the settings that a function of this package was called with.
 *
 * @throws ConfigError for anything else: a mistake must not end in a guard with the default budget
 */
export function guardingOf(guardOrOptions: GuardOrOptions | undefined, settings: KavachSettings): Guarding {
  checkSettings(settings);
  if (AgentKavach.isInstance(guardOrOptions)) {
    return { guard: guardOrOptions, onKillStream: checkOnKillStream(settings.onKillStream) };
  }
  if (guardOrOptions !== undefined && !isPlain(guardOrOptions)) {
    throw new ConfigError(
      `Expected a guard (new AgentKavach({ … })), the options of one ({ budget: Budget.daily(5) }), or nothing, got ${described(guardOrOptions)}.`,
      { path: 'guard' },
    );
  }
  const { onKillStream = settings.onKillStream, ...options } = guardOrOptions ?? {};
  return { guard: new AgentKavach(options), onKillStream: checkOnKillStream(onKillStream) };
}

function checkSettings(settings: unknown): void {
  if (!isPlain(settings)) {
    throw new ConfigError(
      `The settings must be an object such as { onKillStream: 'error' }, got ${described(settings)}.`,
      {
        path: 'settings',
      },
    );
  }
  for (const key of Object.keys(settings)) {
    if (key === 'onKillStream') continue;
    throw new ConfigError(
      `There is no setting ${key} beside a guard; onKillStream is the only one. Options of the guard go to new AgentKavach({ … }).`,
      { path: key },
    );
  }
}

/** Whether a value is an object literal, of whatever realm. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function described(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object of another class' : `a ${typeof value}`;
}
