/** The middleware for `createAgent`: the agent's model is guarded for each request, whatever other middlewares made of it. */
import { AIMessage } from '@langchain/core/messages';
import { ConfigError } from '@agentkavach/core';
import type { AgentMiddleware, MIDDLEWARE_BRAND } from 'langchain';
import { described, guardOf, isPlain, type GuardOrOptions } from './guard-of.ts';
import { guarded } from './guard-chat-model.ts';
import { withGuardedModels } from './guard-runnable.ts';
import { final, stopOf } from './refusal.ts';

// What createMiddleware() marks its objects with; `langchain` itself is not needed at run time.
const BRAND: typeof MIDDLEWARE_BRAND = Symbol.for('AgentMiddleware');

/** How the middleware behaves, besides its guard's options. */
export interface KavachMiddlewareSettings {
  /**
   * What a refusal does, named as in LangChain's own limits: `error` throws it, inside LangChain's MiddlewareError
   * (`findKavachError` looks inside); `end` ends the agent with the messages so far and one that says why. Default `error`.
   */
  readonly exitBehavior?: 'error' | 'end' | undefined;
}

/**
 * Middleware that holds each model call of an agent to the guard's budgets: lowers the output cap to what fits, counts each
 * retry, switches the model at a threshold (`onThreshold`), sees tools with their arguments and results.
 *
 * Put it last, but for `modelRetryMiddleware`, so that fallbacks of other middlewares stand around it. What a middleware sends by itself, a
 * summary for example, goes past every other middleware: guard that model with `guardChatModel()`.
 *
 * @throws ConfigError for wrong options
 * @example
 * const agent = createAgent({ model: 'openai:gpt-4o', tools, middleware: [kavachMiddleware(guard)] });
 */
export function kavachMiddleware(
  guardOrOptions?: GuardOrOptions,
  settings: KavachMiddlewareSettings = {},
): AgentMiddleware {
  const guard = guardOf(guardOrOptions);
  const exitBehavior = exitBehaviorOf(settings);
  const models = new WeakMap<object, object>();
  const guardOne = (model: object): object => {
    const present = models.get(model) ?? guarded(model, guard);
    models.set(model, present);
    return present;
  };
  return {
    [BRAND]: true,
    // LangChain wants the names in an agent to differ, and an agent may have more than one guard.
    name: `KavachMiddleware (${guard.agentName})`,
    wrapModelCall: async (request, handler) => {
      try {
        const model =
          (models.get(request.model) as typeof request.model | undefined) ?? guardedModel(request.model, guardOne);
        return await handler({ ...request, model });
      } catch (error) {
        const stop = stopOf(error);
        if (stop === undefined || exitBehavior === 'error') throw final(error);
        return new AIMessage({ content: stop.message, response_metadata: { agentkavach: { code: stop.code } } });
      }
    },
  };
}

/** @throws ConfigError where there is no chat model to guard: what a guard can't see must not look guarded */
function guardedModel<M>(model: M, guardOne: (model: object) => object): M {
  let isFound = false;
  const guardedOne = withGuardedModels(model, (found) => {
    isFound = true;
    return guardOne(found);
  });
  if (isFound) return guardedOne as M;
  throw new ConfigError(
    `kavachMiddleware() finds no chat model in ${described(model)} that the agent was given. ` +
      `Give createAgent() a chat model, its name, or a chat model with a bound config.`,
    { path: 'model' },
  );
}

function exitBehaviorOf(settings: unknown): 'error' | 'end' {
  if (!isPlain(settings)) {
    throw new ConfigError(
      `The settings must be an object such as { exitBehavior: 'end' }, got ${described(settings)}.`,
      {
        path: 'settings',
      },
    );
  }
  for (const key of Object.keys(settings)) {
    if (key === 'exitBehavior') continue;
    throw new ConfigError(
      `There is no setting ${key} beside a guard; exitBehavior is the only one. Options of the guard go to new AgentKavach({ … }).`,
      { path: key },
    );
  }
  const { exitBehavior = 'error' } = settings as { exitBehavior?: unknown };
  if (exitBehavior === 'error' || exitBehavior === 'end') return exitBehavior;
  throw new ConfigError(`exitBehavior must be 'error' or 'end', got ${JSON.stringify(exitBehavior)}.`, {
    path: 'exitBehavior',
  });
}
