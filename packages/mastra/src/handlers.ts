/** What the plugin does at Mastra's hooks: finds whose a model is, and puts the guards over it. */
import { ModelRouterLanguageModel } from '@mastra/core/llm';
import {
  covered,
  coversAround,
  coversOfMastra,
  coversOfModel,
  coversOfProcess,
  markCovered,
  under,
  union,
  type Cover,
} from './cover.ts';
import { gatewayOf, mastraOf, type Handlers } from './hooks.ts';
import { refusedTogether } from './refusal.ts';

/** The same for all plugins: each finds its own models by the covers. */
export const HANDLERS: Handlers = {
  model: (agent, model, config) => {
    const covers = coversOf(agent);
    // Mastra wraps model objects; what is inside may be guarded already.
    if (typeof config === 'object' && config !== null) markCovered(model, coversOfModel(config));
    if (covers.length === 0 && coversOfModel(model).length === 0) warnOf(agent);
    const atGateway = covers.filter(({ gateway }) => isRouted(model, config, gateway));
    return covered(atGateway.length > 0 ? markCovered(model, atGateway) : model, covers);
  },
  fallbacks: (agent, models) => (coversOf(agent).length === 0 ? models : refusedTogether(models)),
  replacement: (previous, model) =>
    covered(model, union(previous === undefined ? [] : coversOfModel(previous), coversAround())),
  memory: (agent, memory) => {
    const embedder: unknown = Reflect.get(memory, 'embedder');
    if (typeof embedder === 'object' && embedder !== null) {
      Reflect.set(memory, 'embedder', covered(embedder, coversOf(agent)));
    }
    return memory;
  },
  run: (owner, fn) => under(coversOf(owner), fn),
};

/** The guards over an agent: of its Mastra instance and of the run that it is called in, else those of the process. */
function coversOf(owner: object): readonly Cover[] {
  const covers = union(coversOfMastra(mastraOf(owner)), coversAround());
  return covers.length > 0 ? covers : coversOfProcess();
}

/** Whether the gateway guards the model by itself: one given by name, without a URL of its own. */
function isRouted(model: object, config: unknown, gateway: object): boolean {
  return typeof config === 'string' && model instanceof ModelRouterLanguageModel && gatewayOf(model) === gateway;
}

const warned = new WeakSet<object>();

/** An agent of another Mastra instance is somebody's decision; one without any looks like an oversight. */
function warnOf(agent: object): void {
  if (warned.has(agent) || mastraOf(agent) !== undefined) return;
  warned.add(agent);
  console.warn(
    `[agentkavach] the agent ${String(Reflect.get(agent, 'name'))} belongs to no Mastra instance, and no guard holds its calls. ` +
      `Add it to a registered instance, wrap its model with plugin.model(), or use kavach(guard, { strict: true }).`,
  );
}
