/**
 * Guards a chat model object: whatever reaches the provider through it is a call, by whichever method. The same type comes
 * back, also from `bindTools`, `withConfig` and the like.
 */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { ConfigError, type AgentKavach } from '@agentkavach/core';
import { INNER } from './attempt.ts';
import { guardOf, described, type GuardOrOptions } from './guard-of.ts';
import { withGuardedModels } from './guard-runnable.ts';
import { isChatModel } from './is-chat-model.ts';
import { GUARDS, guardsOf, mark, TARGET, targetOf } from './mark.ts';
import { generate, streamOf, type Generate, type Start } from './model-call.ts';

type AnyFunction = (...args: unknown[]) => unknown;

/** Methods that send, and what they are made of. */
const STREAMS = ['_streamResponseChunks', '_streamChatModelEvents'] as const;
/** Methods that return another model made of this one. */
const MAKERS = ['bindTools', 'withConfig', 'withStructuredOutput', 'bind', '_getModelInstance'] as const;

/**
 * A chat model whose calls go through the guard: `invoke`, `stream`, `batch`, `generate`, `streamEvents` of every version,
 * agents, structured output, tools. Each HTTP attempt is a call; the model's own retries go on around the guard.
 *
 * @param guardOrOptions a guard to share, the options of a new one, or nothing
 * @throws ConfigError for an object that is no chat model; at call time, the guard's errors
 * @example
 * const model = guardChatModel(new ChatOpenAI({ model: 'gpt-4o' }), guard);
 * await model.bindTools([search]).invoke('Hi');
 */
export function guardChatModel<M extends BaseChatModel>(model: M, guardOrOptions?: GuardOrOptions): M {
  if (!isChatModel(model)) {
    throw new ConfigError(
      `guardChatModel() takes a chat model of LangChain, such as new ChatOpenAI({ model: 'gpt-4o' }), got ${described(model)}. ` +
        `Guard the model first, then call bindTools(), withConfig() and the like on it.`,
      { path: 'model' },
    );
  }
  if (hasPrivateFields(model)) {
    throw new ConfigError(
      `guardChatModel() can't guard ${model.constructor.name}: its class keeps #private fields, which only the object itself can read. ` +
        `Declare them with TypeScript's private instead, or hold its calls with kavachHandler().`,
      { path: 'model' },
    );
  }
  return guarded(model, guardOf(guardOrOptions));
}

/** The model guarded by one more guard; the model itself where that guard has it already. */
export function guarded<M extends object>(model: M, guard: AgentKavach): M {
  const guards = guardsOf(model);
  if (guards.includes(guard)) return model;
  return proxied(targetOf(model), [guard, ...guards]);
}

function proxied<M extends object>(model: M, guards: readonly AgentKavach[]): M {
  const members = new WeakMap<object, object>();
  const again = (value: unknown): unknown => {
    if (value instanceof Promise) return (value as Promise<unknown>).then(again);
    return withGuardedModels(value, (inner) => {
      if (guardsOf(inner).length > 0) return inner;
      const present = members.get(inner) ?? proxied(inner, guards);
      members.set(inner, present);
      return present;
    });
  };
  const own: Record<string | symbol, unknown> = { __proto__: null, [GUARDS]: guards, [TARGET]: model };
  // A configurable model only chooses the one that sends, which is guarded when it is chosen.
  const chooses = typeof Reflect.get(model, '_getModelInstance') === 'function';
  if (!chooses) own['_generate'] = generate(model, guards, Reflect.get(model, '_generate') as Generate);
  for (const key of STREAMS) {
    if (chooses || !isImplemented(model, key)) continue;
    own[key] = streamOf(model, guards, key, Reflect.get(model, key) as Start);
  }
  const toJSON: unknown = Reflect.get(model, 'toJSON');
  if (typeof toJSON === 'function')
    own['toJSON'] = (): unknown => mark(Reflect.apply(toJSON, model, []) as unknown, guards);
  for (const key of MAKERS) {
    const make: unknown = Reflect.get(model, key);
    if (typeof make === 'function') {
      own[key] = (...args: unknown[]): unknown => again(Reflect.apply(make as AnyFunction, proxy, args));
    }
  }
  for (const key of INNER) {
    const inner: unknown = Reflect.get(model, key);
    if (isChatModel(inner)) own[key] = again(inner);
  }
  // Methods run on the proxy, so that whatever they call in turn is guarded too.
  const proxy = new Proxy(model, {
    get: (target, key, receiver) => own[key] ?? (Reflect.get(target, key, receiver) as unknown),
  });
  return proxy;
}

/** Whether a class streams by itself: LangChain asks whether a method still is BaseChatModel's. */
function isImplemented(model: object, key: string): boolean {
  let owner: object | null = model;
  while (owner !== null && !Object.hasOwn(owner, key)) owner = prototypeOf(owner);
  // BaseChatModel is the class that has this method; its name and its identity differ from copy to copy.
  return owner !== null && !Object.hasOwn(owner, '_generateUncached');
}

/** Whether a class of the model, below LangChain's own, reads #private fields: a stand-in for the object would throw. */
function hasPrivateFields(model: object): boolean {
  for (let at = prototypeOf(model); at !== null && !Object.hasOwn(at, '_generateUncached'); at = prototypeOf(at)) {
    if (/\bthis\.#\w/.test(String(at.constructor))) return true;
  }
  return false;
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}
