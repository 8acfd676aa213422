/** The plugin: puts a guard over a Mastra instance. */
import type { MastraLanguageModel } from '@mastra/core/agent';
import type { GatewayLanguageModel } from '@mastra/core/llm';
import type { Mastra } from '@mastra/core';
import type { AgentKavach } from '@agentkavach/core';
import { guardModel } from '@agentkavach/vercel-ai';
import { coverMastra, coverProcess, markCovered, type Cover } from './cover.ts';
import { GATEWAY_ID, KavachGateway } from './gateway.ts';
import { HANDLERS } from './handlers.ts';
import { hookInto } from './hooks.ts';
import { KavachProcessor } from './processor.ts';
import { partsOf, type GuardOrOptions, type MastraSettings } from './settings.ts';

/**
 * A model as Mastra takes it. Mastra's copies of the AI SDK's types may be older than the provider's: what is guarded fits
 * both.
 */
export type ForMastra<M> = M extends { readonly specificationVersion: 'v4'; doStream: unknown }
  ? M & Extract<MastraLanguageModel | GatewayLanguageModel, { readonly specificationVersion: 'v4' }>
  : M;

/** A guard for Mastra instances. */
export interface KavachPlugin {
  /** The guard that everything is charged to. */
  readonly guard: AgentKavach;
  /** Guards models given by name, and lets `onThreshold` switch them. {@link register} adds it. */
  readonly gateway: KavachGateway;
  /**
   * Guards every model of a Mastra instance: of its agents, present and later, and of all that they and its workflows run.
   *
   * @returns the same instance
   * @throws ConfigError when this version of Mastra lacks what the plugin takes hold of
   * @example export const mastra = kavach({ budget: Budget.daily(5) }).register(new Mastra({ agents }));
   */
  register<M extends Mastra>(mastra: M): M;
  /**
   * One guarded model object, for places that belong to no Mastra instance.
   *
   * @example new Agent({ name: 'judge', model: plugin.model(openai('gpt-4o-mini')), … })
   */
  model<M extends object>(model: M): ForMastra<M>;
  /**
   * An input processor that ends a run with Mastra's tripwire, its steps kept, where the guard would refuse the next call.
   * The refusal's figures are the tripwire's `metadata`.
   *
   * @example new Agent({ inputProcessors: [plugin.processor()], … })
   */
  processor(): KavachProcessor;
}

/**
 * A plugin that holds the calls of Mastra instances to a guard's budgets and guardrails.
 *
 * @param guardOrOptions a guard to share, the options of a new one, or nothing: a new guard from `AGENTKAVACH_*` variables
 * and defaults
 * @param settings `strict` and `onKillStream`, where a guard is given
 * @throws ConfigError for wrong options; at call time, the guard's errors, which Mastra does not retry
 * @example
 * const guard = new AgentKavach({ budget: Budget.daily(5) });
 * export const mastra = kavach(guard).register(new Mastra({ agents, workflows }));
 */
export function kavach(guardOrOptions?: GuardOrOptions, settings: MastraSettings = {}): KavachPlugin {
  const { guard, strict, models } = partsOf(guardOrOptions, settings);
  const gateway = new KavachGateway((model, sibling) => guardModel(model, guard, { ...models, makeModel: sibling }));
  const cover: Cover = { guard, settings: models, gateway };
  return {
    guard,
    gateway,
    // Only the type's reading differs: the object is the model's own stand-in.
    model: <M extends object>(model: M) => markCovered(guardModel(model, guard, models), [cover]) as ForMastra<M>,
    processor: () => new KavachProcessor(guard),
    register: (mastra) => {
      hookInto(HANDLERS, mastra);
      coverMastra(mastra, cover);
      if (strict) coverProcess(cover);
      gateway.ask(() => Object.values(mastra.listGateways() ?? {}));
      mastra.addGateway(gateway, GATEWAY_ID);
      return mastra;
    },
  };
}
