/**
 * Guards a chat model object: whatever reaches the provider through it is a call, by whichever method. The same type comes
 * back, also from `bindTools`, `withConfig` and the like.
 */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { ConfigError, type AgentKavach } from '@agentkavach/core';
import { guardOf, described, type GuardOrOptions } from './guard-of.ts';
import { withGuardedModels } from './guard-runnable.ts';
import { isChatModel } from './is-chat-model.ts';
import { GUARDS, guardsOf, mark, TARGET, targetOf } from './mark.ts';
import { generate, streamOf, type Generate, type Start } from './model-call.ts';

type AnyFunction = (...args: unknown[]) => unknown;

/** Methods that send, and what they are made of. */
const STREAMS = ['_streamResponseChunks', '_streamChatModelEvents'] as const;
/** Methods that return another model made of this one. */
const MAKERS = new Set<string | symbol>([
  'bindTools',
  'withConfig',
  'withStructuredOutput',
  'bind',
  '_getModelInstance',
]);

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
    if (value instanceof Promise) return value.then(again);
    return withGuardedModels(value, (inner) => {
      if (guardsOf(inner).length > 0) return inner;
      const present = members.get(inner) ?? proxied(inner, guards);
      members.set(inner, present);
      return present;
    });
  };
  const own = new Map<string | symbol, unknown>([
    [GUARDS, guards],
    [TARGET, model],
  ]);
  // A configurable model only chooses the one that sends, which is guarded when it is chosen.
  const chooses = typeof Reflect.get(model, '_getModelInstance') === 'function';
  if (!chooses) own.set('_generate', generate(model, guards, Reflect.get(model, '_generate') as Generate));
  for (const key of STREAMS) {
    if (chooses || !isImplemented(model, key)) continue;
    own.set(key, streamOf(model, guards, key, Reflect.get(model, key) as Start));
  }
  const toJSON: unknown = Reflect.get(model, 'toJSON');
  if (typeof toJSON === 'function') own.set('toJSON', () => mark(Reflect.apply(toJSON, model, []), guards));
  return new Proxy(model, {
    get(target, key, receiver) {
      if (own.has(key)) return own.get(key);
      const value: unknown = Reflect.get(target, key, receiver);
      if (typeof value !== 'function') return isChatModel(value) ? again(value) : value;
      if (!MAKERS.has(key)) return value;
      return (...args: unknown[]): unknown => again(Reflect.apply(value as AnyFunction, receiver, args));
    },
  });
}

/** Whether a class streams by itself: LangChain asks whether a method still is BaseChatModel's. */
function isImplemented(model: object, key: string): boolean {
  let owner: object | null = model;
  while (owner !== null && !Object.hasOwn(owner, key)) owner = Object.getPrototypeOf(owner) as object | null;
  // BaseChatModel is the class that has this method; its name and its identity differ from copy to copy.
  return owner !== null && !Object.hasOwn(owner, '_generateUncached');
}
