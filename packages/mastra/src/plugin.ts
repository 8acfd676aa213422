/** The plugin: registers a guard with a Mastra instance. */
import type { Mastra } from '@mastra/core';
import { ModelRouterLanguageModel } from '@mastra/core/llm';
import { AgentKavach, type KavachOptions } from '@agentkavach/core';
import { guardModel, type KavachSettings } from '@agentkavach/vercel-ai';
import {
  coverMastra,
  covered,
  coversAround,
  coversOfMastra,
  coversOfModel,
  markCovered,
  under,
  union,
  type Cover,
} from './cover.ts';
import { GATEWAY_ID, KavachGateway } from './gateway.ts';
import { gatewayOf, hookInto, mastraOf, type Handlers } from './hooks.ts';
import { refusedTogether } from './refusal.ts';

/** A guard for Mastra. */
export interface KavachPlugin {
  /** The guard that everything is charged to. */
  readonly guard: AgentKavach;
  /** Guards models given by name; `register` adds it. */
  readonly gateway: KavachGateway;
  register<M extends Mastra>(mastra: M): M;
  model<M extends object>(model: M): M;
}

export function kavach(guardOrOptions?: AgentKavach | KavachOptions, settings: KavachSettings = {}): KavachPlugin {
  const guard = AgentKavach.isInstance(guardOrOptions) ? guardOrOptions : new AgentKavach(guardOrOptions);
  const gateway = new KavachGateway((model) => guardModel(model, guard, settings));
  const cover: Cover = { guard, settings, gateway };
  return {
    guard,
    gateway,
    model: (model) => markCovered(guardModel(model, guard, settings), [cover]),
    register(mastra) {
      hookInto(HANDLERS, Object.values(mastra.listAgents()));
      coverMastra(mastra, cover);
      gateway.ask(() => Object.values(mastra.listGateways() ?? {}));
      mastra.addGateway(gateway, GATEWAY_ID);
      return mastra;
    },
  };
}

function coversOf(agent: object): readonly Cover[] {
  return union(coversOfMastra(mastraOf(agent)), coversAround());
}

const HANDLERS: Handlers = {
  model: (agent, model, config) => {
    const covers = coversOf(agent);
    const atGateway = covers.filter(({ gateway }) => isRouted(model, config, gateway));
    if (atGateway.length > 0) markCovered(model, atGateway);
    return covered(model, covers);
  },
  fallbacks: (agent, models) => (coversOf(agent).length === 0 ? models : refusedTogether(models)),
  replacement: (previous, model) =>
    covered(model, union(previous === undefined ? [] : coversOfModel(previous), coversAround())),
  memory: (agent, memory) => {
    const covers = coversOf(agent);
    const embedder: unknown = Reflect.get(memory, 'embedder');
    if (covers.length > 0 && typeof embedder === 'object' && embedder !== null) {
      Reflect.set(memory, 'embedder', covered(embedder, covers));
    }
    return memory;
  },
  run: (agent, fn) => under(coversOf(agent), fn),
};

/** Whether the gateway guards the model by itself: one given by name, not by a URL of its own. */
function isRouted(model: object, config: unknown, gateway: object): boolean {
  return typeof config === 'string' && model instanceof ModelRouterLanguageModel && gatewayOf(model) === gateway;
}
