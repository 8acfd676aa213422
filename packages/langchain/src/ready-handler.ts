/**
 * The ready handler: called, it makes a handler; handed over without a call, it is one. LangChain takes any function for a
 * handler, since functions have a name, and would run the model unguarded with one that has no methods.
 */
import type { AgentKavach } from '@agentkavach/core';
import type { GuardOrOptions } from './guard-of.ts';
import { KavachHandler } from './handler.ts';

type Hook =
  | 'handleChatModelStart'
  | 'handleLLMStart'
  | 'handleLLMNewToken'
  | 'handleChatModelStreamEvent'
  | 'handleLLMEnd'
  | 'handleLLMError';

/** What {@link kavachHandler} is: a function that makes handlers, and itself a handler with a guard of its own. */
export type ReadyHandler = Pick<KavachHandler, Hook | 'raiseError' | 'awaitHandlers'> & {
  /**
   * @param guardOrOptions a guard to share, the options of a new one, or nothing: a new guard from `AGENTKAVACH_*`
   * variables and defaults
   * @throws ConfigError for wrong options
   */
  (guardOrOptions?: GuardOrOptions): KavachHandler;
  /** The guard of `callbacks: [kavachHandler]`: one for the process, made of `AGENTKAVACH_*` variables at the first use. */
  readonly guard: AgentKavach;
};

let own: KavachHandler | undefined;

/** The handler that stands behind the function; made late, so that an import reads no environment. */
function ownHandler(): KavachHandler {
  return (own ??= new KavachHandler());
}

const hooks: Omit<ReadyHandler, 'guard'> = Object.assign(
  (guardOrOptions?: GuardOrOptions) => new KavachHandler(guardOrOptions),
  {
    raiseError: true,
    awaitHandlers: true,
    handleChatModelStart: (...args: Parameters<KavachHandler['handleChatModelStart']>) =>
      ownHandler().handleChatModelStart(...args),
    handleLLMStart: (...args: Parameters<KavachHandler['handleLLMStart']>) => ownHandler().handleLLMStart(...args),
    handleLLMNewToken: (...args: Parameters<KavachHandler['handleLLMNewToken']>) => {
      ownHandler().handleLLMNewToken(...args);
    },
    handleChatModelStreamEvent: (...args: Parameters<KavachHandler['handleChatModelStreamEvent']>) => {
      ownHandler().handleChatModelStreamEvent(...args);
    },
    handleLLMEnd: (...args: Parameters<KavachHandler['handleLLMEnd']>) => {
      ownHandler().handleLLMEnd(...args);
    },
    handleLLMError: (...args: Parameters<KavachHandler['handleLLMError']>) => {
      ownHandler().handleLLMError(...args);
    },
  },
);

/**
 * The ready handler for `callbacks: […]`.
 *
 * @example
 * await model.invoke('Hi', { callbacks: [kavachHandler({ budget: Budget.daily(5) })] });
 * await model.invoke('Hi', { callbacks: [kavachHandler] }); // a guard of its own, from AGENTKAVACH_* variables
 */
export const kavachHandler = Object.defineProperty(hooks, 'guard', { get: () => ownHandler().guard }) as ReadyHandler;
