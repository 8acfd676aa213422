/** Guards the chat models inside runnables: a model with a bound config, or the pipeline that makes structured output. */
import { RunnableBinding, RunnableMap, RunnableSequence, type Runnable } from '@langchain/core/runnables';
import { isChatModel } from './is-chat-model.ts';
import { fields } from './shape.ts';

/** The runnable with every chat model in it exchanged by `guard`. What holds none comes back as it is. */
export function withGuardedModels(value: unknown, guard: (model: object) => object): unknown {
  if (isChatModel(value)) return guard(value);
  if (RunnableBinding.isRunnableBinding(value)) {
    const { bound, config, configFactories = [] } = value;
    // Deprecated in favour of `config`, but the integrations still bind their tools with it.
    const options = { kwargs: fields(Reflect.get(value, 'kwargs')) ?? {}, configFactories };
    const inner = withGuardedModels(bound, guard) as typeof bound;
    return inner === bound ? value : new RunnableBinding({ bound: inner, config, ...options });
  }
  if (RunnableSequence.isRunnableSequence(value)) {
    const steps = value.steps.map((step) => withGuardedModels(step, guard) as Runnable);
    const isSame = steps.every((step, at) => step === value.steps[at]);
    return isSame ? value : RunnableSequence.from(steps as [Runnable, Runnable], value.name);
  }
  const steps = isMap(value) ? fields(value.steps) : undefined;
  if (steps === undefined) return value;
  const exchanged = Object.entries(steps).map(
    ([key, step]) => [key, withGuardedModels(step, guard) as Runnable] as const,
  );
  if (exchanged.every(([key, step]) => step === steps[key])) return value;
  return RunnableMap.from(Object.fromEntries(exchanged));
}

function isMap(value: unknown): value is { readonly steps: unknown } {
  return typeof fields(value)?.['getStepsKeys'] === 'function';
}
