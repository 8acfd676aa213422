/** Guards model objects of every version without the `ai` package: the object's own type comes back. */
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { ConfigError } from '@agentkavach/core';
import { guardedEmbed } from './embedding.ts';
import { guardedImage } from './image.ts';
import { guardedGenerate, guardedStream, type Guarding } from './language.ts';
import { guardingOf, type GuardOrOptions, type KavachSettings } from './middleware.ts';
import { normaliseProvider, siblingId, type ModelIdentity } from './provider-name.ts';
import { fields } from './shape.ts';

/** What kind of model an object is; `other` kinds can't be priced. */
export type ModelKind = 'language' | 'embedding' | 'image' | 'other';

/** Makes another model of the same provider, with the same settings; a promise of it will do. */
export type MakeModel = (modelId: string) => unknown;

/** How a guarded model object behaves. */
export interface GuardModelSettings extends KavachSettings {
  /**
   * With it, `onThreshold` can switch a language model to a cheaper one: `(id) => openai(id)`, the plain provider. What it
   * makes must not be guarded itself.
   */
  readonly makeModel?: MakeModel | undefined;
}

type Send<R> = (params: object) => PromiseLike<R>;
type StreamStart = { readonly stream: ReadableStream<LanguageModelV4StreamPart> };

/**
 * A model object (V2, V3 or V4; language, embedding or image) whose calls go through the guard. All its other members,
 * its class and its type stay as they are.
 *
 * @throws ConfigError for an object that is no such model
 * @example
 * const model = guardModel(anthropic('claude-sonnet-4-5'), guard);
 * await model.doGenerate({ prompt }); // also for frameworks that take model objects, such as Mastra
 */
export function guardModel<M extends object>(
  model: M,
  guardOrOptions?: GuardOrOptions,
  settings: GuardModelSettings = {},
): M {
  const kind = kindOfModel(model);
  if (kind === undefined || kind === 'other') {
    throw new ConfigError(
      `guardModel() takes a language, embedding or image model object of the AI SDK, got ${describe(model)}. ` +
        `Pass the object that a provider function returns, for example openai('gpt-4o').`,
      { path: 'model' },
    );
  }
  if (fields(settings)?.['makeModel'] === undefined) return proxied(model, kind, guardingOf(guardOrOptions, settings));
  const { makeModel, ...rest } = settings;
  return proxied(model, kind, guardingOf(guardOrOptions, rest), makeModel);
}

/** The kind of a model object; `undefined` where the value is no model. */
export function kindOfModel(value: unknown): ModelKind | undefined {
  const model = fields(value);
  if (model === undefined || typeof model['modelId'] !== 'string' || typeof model['provider'] !== 'string')
    return undefined;
  const has = (method: string): boolean => typeof model[method] === 'function';
  // Transcription models stream too; only language models say which URLs they take.
  if (has('doGenerate') && has('doStream') && 'supportedUrls' in model) return 'language';
  if (has('doEmbed')) return 'embedding';
  return has('doGenerate') && 'maxImagesPerCall' in model ? 'image' : 'other';
}

/**
 * The guarded object.
 *
 * @param makeModel where there is one, `onThreshold` may ask another model instead
 */
export function proxied<M extends object>(
  model: M,
  kind: 'language' | 'embedding' | 'image',
  guarding: Guarding,
  makeModel?: MakeModel,
): M {
  const guarded = guardedMethods(model, kind, guarding, makeModel);
  const bound = new Map<unknown, unknown>();
  const read = (_: object, key: string | symbol): unknown => {
    const method = typeof key === 'string' ? guarded[key] : undefined;
    if (method !== undefined) return method;
    // Getters and methods run on the model itself: its private fields are not on the proxy.
    const value: unknown = Reflect.get(model, key, model);
    if (typeof value !== 'function' || key === 'constructor') return value;
    if (!bound.has(value)) bound.set(value, (value as (...args: unknown[]) => unknown).bind(model));
    return bound.get(value);
  };
  // A frozen object must show its own members unchanged; its stand-in has none of its own.
  const target = Object.isFrozen(model) ? (Object.create(model) as M) : model;
  return new Proxy<M>(target, { get: read });
}

function guardedMethods(
  model: object,
  kind: 'language' | 'embedding' | 'image',
  guarding: Guarding,
  makeModel: MakeModel | undefined,
): Record<string, unknown> {
  const name = model as ModelIdentity;
  const method = <R>(key: string): Send<R> => {
    return (params) => (Reflect.get(model, key, model) as Send<R>).call(model, params);
  };
  const { guard } = guarding;
  const own = normaliseProvider(name.provider, name.modelId).model;
  const canSwitch = makeModel !== undefined;
  /** The same method, of the model that the guard asks for. */
  const routed =
    <R>(key: string) =>
    async (params: object, asked: string): Promise<R> => {
      if (makeModel === undefined || asked === own) return method<R>(key)(params);
      const other = (await makeModel(siblingId(name.modelId, own, asked))) as object;
      return (Reflect.get(other, key) as Send<R>).call(other, params);
    };
  switch (kind) {
    case 'embedding':
      return { doEmbed: async (params: object) => guardedEmbed(guard, name, params, method<object>('doEmbed')) };
    case 'image':
      return { doGenerate: async (params: object) => guardedImage(guard, name, params, method<object>('doGenerate')) };
    case 'language':
      return {
        doGenerate: async (params: object) =>
          guardedGenerate(guarding, name, params, routed<object>('doGenerate'), canSwitch),
        doStream: async (params: object) =>
          guardedStream(guarding, name, params, routed<StreamStart>('doStream'), canSwitch),
      };
  }
}

function describe(value: unknown): string {
  const model = fields(value);
  return typeof model?.['modelId'] === 'string'
    ? `the model ${model['modelId']}, which is of another kind`
    : typeof value;
}
