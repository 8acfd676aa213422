/**
 * What a registered plugin puts over models, and whose models those are: an agent is covered by the plugins of its Mastra
 * instance and by those of the agent run or workflow step that it is called in.
 */
import { ConfigError, type AgentKavach } from '@agentkavach/core';
import { guardModel, type KavachSettings } from '@agentkavach/vercel-ai';
import { throwingUnsent } from './router.ts';

/** A guard as it covers one or more Mastra instances. */
export interface Cover {
  readonly guard: AgentKavach;
  readonly settings: KavachSettings;
  /** The gateway that guards the models which this cover need not wrap. */
  readonly gateway: object;
}

/** Set on a Mastra instance. A symbol, since Mastra hands proxies of the instance to its parts. */
const COVERS = Symbol.for('agentkavach.mastra.covers');

const coveredBy = new WeakMap<object, readonly Cover[]>();

interface Storage<T> {
  getStore(): T | undefined;
  run<R>(store: T, fn: () => R): R;
}

const around = openStorage<readonly Cover[]>();

/** Covers all models of a Mastra instance, from now on. */
export function coverMastra(mastra: object, cover: Cover): void {
  const covers = coversOfMastra(mastra);
  if (covers.some(({ guard }) => guard === cover.guard)) return;
  Object.defineProperty(mastra, COVERS, { value: [...covers, cover], configurable: true });
}

/** The covers of a Mastra instance. */
export function coversOfMastra(mastra: object | undefined): readonly Cover[] {
  const covers: unknown = mastra === undefined ? undefined : Reflect.get(mastra, COVERS);
  return Array.isArray(covers) ? (covers as Cover[]) : [];
}

let ofProcess: readonly Cover[] = [];

/** Covers agents that are under no other cover, from now on. */
export function coverProcess(cover: Cover): void {
  ofProcess = [cover];
}

/** The cover of agents that are under no other. */
export function coversOfProcess(): readonly Cover[] {
  return ofProcess;
}

/** The covers of the run around the current code. */
export function coversAround(): readonly Cover[] {
  return around.getStore() ?? [];
}

/** Runs `fn`, and all that it starts, under the covers. */
export function under<R>(covers: readonly Cover[], fn: () => R): R {
  const outer = coversAround();
  return covers.every((cover) => outer.includes(cover)) ? fn() : around.run(union(outer, covers), fn);
}

/** All covers once. */
export function union(some: readonly Cover[], others: readonly Cover[]): readonly Cover[] {
  return some.length === 0 ? others : [...some, ...others.filter((cover) => !some.includes(cover))];
}

/** The covers that a model already has. */
export function coversOfModel(model: object): readonly Cover[] {
  return coveredBy.get(model) ?? [];
}

/** Notes that a model is covered, by its gateway or through a wrapper. */
export function markCovered<M extends object>(model: M, covers: readonly Cover[]): M {
  coveredBy.set(model, union(coversOfModel(model), covers));
  return model;
}

/**
 * The model under all covers.
 *
 * @throws ConfigError for a model of the AI SDK 4, which no guard can hold
 */
export function covered<M extends object>(model: M, covers: readonly Cover[]): M {
  const missing = covers.filter((cover) => !coversOfModel(model).includes(cover));
  if (missing.length === 0) return model;
  let result = throwingUnsent(model);
  for (const { guard, settings } of missing) {
    if (isV1(model)) refuseV1(model, guard);
    else result = guardModel(result, guard, settings);
  }
  return markCovered(result, union(coversOfModel(model), missing));
}

function isV1(model: object): boolean {
  return Reflect.get(model, 'specificationVersion') === 'v1' && 'doStream' in model;
}

function refuseV1(model: object, guard: AgentKavach): void {
  if (guard.status().mode !== 'hard') return;
  throw new ConfigError(
    `The model ${String(Reflect.get(model, 'modelId'))} is one of the AI SDK 4 (specification v1), which a hard limit can't hold. ` +
      `Use the provider's package for AI SDK 5 or later, or mode: 'soft' to let it pass unseen.`,
    { path: 'model' },
  );
}

/** Through process.getBuiltinModule, as the engine does it: where there is no AsyncLocalStorage, runs carry nothing. */
function openStorage<T>(): Storage<T> {
  const runtime = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  const hooks = runtime?.getBuiltinModule?.('node:async_hooks') as
    { AsyncLocalStorage?: new () => Storage<T> } | undefined;
  if (hooks?.AsyncLocalStorage !== undefined) return new hooks.AsyncLocalStorage();
  return { getStore: () => undefined, run: (_store, fn) => fn() };
}
