/** Guards a whole provider: every model that it, or any of its methods, returns. */
import { ConfigError } from '@agentkavach/core';
import { kindOfModel, proxied, type MakeModel } from './guard-model.ts';
import type { Guarding } from './language.ts';
import { guardingOf, type GuardOrOptions, type KavachSettings } from './middleware.ts';
import { fields } from './shape.ts';

type AnyFunction = (...args: unknown[]) => unknown;

/** Factories of things that send requests the guard can't see; refused before they are called. */
const UNPRICEABLE = /realtime|batch|^live$/i;

/**
 * The same provider, whose language, embedding and image models are guarded, whichever method returns them. Models of
 * other kinds (speech, transcription, reranking, video, realtime, batches) can't be priced and throw: what a guard
 * can't see must not look guarded.
 *
 * @throws ConfigError for what is no provider, a model for example, and when such a model is asked for
 * @example
 * const openai = kavachProvider(createOpenAI(), guard);
 * await generateText({ model: openai('gpt-4o'), prompt });
 * globalThis.AI_SDK_DEFAULT_PROVIDER = kavachProvider(gateway, guard); // guards models given by name
 */
export function kavachProvider<P extends object>(
  provider: P,
  guardOrOptions?: GuardOrOptions,
  settings: KavachSettings = {},
): P {
  checkProvider(provider);
  return guardedObject(provider, guardingOf(guardOrOptions, settings));
}

/** A model's methods make no models: in a provider's place it would look guarded and would not be. */
function checkProvider(provider: unknown): void {
  const kind = kindOfModel(provider);
  if (kind === undefined && (typeof provider === 'function' || fields(provider) !== undefined)) return;
  const found = kind === undefined ? `this is none` : 'this is a model: guard it with guardModel()';
  throw new ConfigError(`kavachProvider() takes a provider of the AI SDK, such as createOpenAI(); ${found}.`, {
    path: 'provider',
  });
}

function guardedObject<P extends object>(object: P, guarding: Guarding): P {
  const members = new Map<unknown, unknown>();
  const guardMember = (key: string, value: unknown): unknown => {
    // The tools are descriptions, and classes are for `instanceof`.
    if (key === 'tools' || key === 'constructor' || key === 'prototype') return value;
    if (typeof value !== 'function' && !isNamespace(value)) return value;
    if (!members.has(value)) {
      members.set(
        value,
        typeof value === 'function'
          ? guardedFunction(key, value as AnyFunction, object, guarding)
          : guardedObject(value, guarding),
      );
    }
    return members.get(value);
  };
  return new Proxy(object, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      return typeof key === 'string' && isReplaceable(target, key) ? guardMember(key, value) : value;
    },
    apply: (target, self, args) =>
      guardMade('', (...given) => Reflect.apply(target as unknown as AnyFunction, self, given), args, guarding),
    construct: (target, args) =>
      guardMade('', (...given) => Reflect.construct(target as unknown as AnyFunction, given), args, guarding) as object,
  });
}

function guardedFunction(key: string, method: AnyFunction, owner: object, guarding: Guarding): AnyFunction {
  return new Proxy(method, {
    apply: (target, _self, args) => {
      if (UNPRICEABLE.test(key)) throw unpriceable(key);
      return guardMade(key, (...given) => Reflect.apply(target, owner, given), args, guarding);
    },
    // A factory may have members of its own, such as a token request beside a realtime model.
    get: (target, member) => {
      if (
        UNPRICEABLE.test(key) &&
        typeof member === 'string' &&
        typeof Reflect.get(target, member) === 'function' &&
        Object.hasOwn(target, member)
      ) {
        return () => {
          throw unpriceable(`${key}.${member}`);
        };
      }
      return Reflect.get(target, member) as unknown;
    },
  });
}

/** What a factory makes, guarded. A factory that was given a model id can make the provider's other models too. */
function guardMade(key: string, make: AnyFunction, args: readonly unknown[], guarding: Guarding): unknown {
  const [modelId, ...settings] = args;
  const makeModel: MakeModel | undefined =
    typeof modelId === 'string' ? (other) => make(other, ...settings) : undefined;
  return guardResult(key, make(...args), guarding, makeModel);
}

function guardResult(key: string, result: unknown, guarding: Guarding, makeModel: MakeModel | undefined): unknown {
  if (result instanceof Promise) return result.then((value: unknown) => guardResult(key, value, guarding, makeModel));
  const kind = kindOfModel(result);
  if (kind === undefined) return result;
  if (kind === 'other') throw unpriceable(key === '' ? 'this model' : key);
  return proxied(result as object, kind, guarding, makeModel);
}

/** A plain object among a provider's members that may hold more factories. */
function isNamespace(value: unknown): value is object {
  const object = fields(value);
  return (
    object !== undefined && Object.getPrototypeOf(object) === Object.prototype && kindOfModel(object) === undefined
  );
}

/** A frozen member must be shown as it is. */
function isReplaceable(target: object, key: string): boolean {
  const own = Object.getOwnPropertyDescriptor(target, key);
  return own === undefined || own.configurable === true || own.writable === true;
}

function unpriceable(what: string): ConfigError {
  return new ConfigError(
    `${what} of a guarded provider can't be used: speech, transcription, reranking, video, realtime, batch and similar models report no usage that a budget can hold. ` +
      `Take it from the provider that is not guarded, and count what it costs with guard.charge(usd, name).`,
    { path: what },
  );
}
