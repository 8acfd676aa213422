/**
 * The places where this package takes hold of Mastra, all in one file, since some are private and may change. Each is
 * checked when a plugin is registered: one that has gone is an error that names the version, never a silent gap.
 */
import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { ProcessorRunner } from '@mastra/core/processors';
import { Run } from '@mastra/core/workflows';
import { StepExecutor } from '@mastra/core/workflows/evented';
import { ConfigError } from '@agentkavach/core';

/** The version of @mastra/core that the hooks were written and tested against. */
export const TESTED_WITH = '1.71';

/** What is done at the hooks. */
export interface Handlers {
  /** A model that an agent is about to use, and what it was configured as. */
  readonly model: (agent: object, model: object, config: unknown) => object;
  /** The models of a fallback list, prepared for one run. */
  readonly fallbacks: (agent: object, models: readonly FallbackEntry[]) => readonly FallbackEntry[];
  /** A model that a processor or `prepareStep` put in the place of the agent's. */
  readonly replacement: (previous: object | undefined, model: object) => object;
  /** A memory that an agent is about to use. */
  readonly memory: (agent: object, memory: object) => object;
  /** Runs something that an agent or a workflow's run was asked to do. */
  readonly run: <R>(owner: object, fn: () => R) => R;
}

/** One entry of Mastra's prepared models. */
export interface FallbackEntry {
  readonly model: object;
}

type Method = (this: object, ...args: unknown[]) => unknown;

/** Where an agent's work begins. */
const AGENT_ENTRIES =
  'generate stream network resumeGenerate resumeStream resumeNetwork streamUntilIdle resumeStreamUntilIdle genTitle'.split(
    ' ',
  );
/** Where a workflow's work begins. */
const WORKFLOW_ENTRIES =
  'start startAsync stream streamLegacy resume resumeAsync resumeStream restart timeTravel timeTravelStream'.split(' ');

const HOOKED = Symbol.for('agentkavach.mastra.hooked');

/** Where a step of an evented workflow begins, on whatever worker. */
const STEP_ENTRIES = 'execute evaluateConditions evaluateCondition resolveSleep resolveSleepUntil'.split(' ');

/** The classes of one copy of Mastra that models pass through. */
interface Copy {
  readonly Agent: { readonly prototype: object };
  readonly ProcessorRunner: { readonly prototype: object };
  readonly Run: { readonly prototype: object };
  readonly StepExecutor: { readonly prototype: object };
}

/**
 * Takes hold of the classes that a Mastra instance belongs to, once.
 *
 * @throws ConfigError when a hook is not there, or for an instance of a copy of Mastra that can't be reached
 */
export function hookInto(handlers: Handlers, mastra: object): void {
  const copy = mastra instanceof Mastra ? OWN : otherCopyOf(mastra);
  assertHooks(missingHooks(copy));
  hookAgent(copy.Agent.prototype, handlers);
  hookProcessors(copy.ProcessorRunner.prototype, handlers);
  hookRuns(copy.Run.prototype, WORKFLOW_ENTRIES, handlers);
  hookRuns(copy.StepExecutor.prototype, STEP_ENTRIES, handlers);
}

const OWN: Copy = { Agent, ProcessorRunner, Run, StepExecutor };

/** Mastra comes as ES modules and as CommonJS, and a program may load both. */
function otherCopyOf(mastra: object): Copy {
  const copy = commonJs();
  if (copy !== undefined && mastra instanceof copy.Mastra) return copy;
  throw new ConfigError(
    'register() takes an instance of the @mastra/core that @agentkavach/mastra itself loads, got one of something else: kavach(guard).register(new Mastra({ agents })). ' +
      'If it is one, two copies are installed (npm ls @mastra/core): keep one.',
    { path: 'mastra' },
  );
}

function commonJs(): (Copy & { readonly Mastra: new () => object }) | undefined {
  try {
    const load = process.getBuiltinModule('node:module').createRequire(import.meta.url) as (id: string) => object;
    return Object.assign(
      {},
      ...['', '/agent', '/processors', '/workflows', '/workflows/evented'].map((entry) => load(`@mastra/core${entry}`)),
    ) as Copy & { readonly Mastra: new () => object };
  } catch {
    return undefined; // bundled, or no Node: there is one copy then
  }
}

/** What must be there; the other entries are skipped where a version lacks them, since they can't be called then. */
const REQUIRED: Readonly<Record<keyof Copy, readonly string[]>> = {
  Agent: ['resolveModelConfig', 'prepareModels', 'getMastraInstance', 'getMemory', 'generate', 'stream'],
  ProcessorRunner: ['runProcessInputStep'],
  Run: ['start'],
  StepExecutor: ['execute'],
};

/** The names of the hooks that a version lacks; empty when all are there. */
export function missingHooks(copy: Copy = OWN): string[] {
  return (Object.keys(REQUIRED) as (keyof Copy)[]).flatMap((owner) =>
    REQUIRED[owner]
      .filter((key) => typeof Reflect.get(copy[owner].prototype, key) !== 'function')
      .map((key) => `${owner}.prototype.${key}`),
  );
}

function hookAgent(prototype: object, { model, fallbacks, memory, run }: Handlers): void {
  if (Object.hasOwn(prototype, HOOKED)) return;
  wrap(prototype, 'resolveModelConfig', (original) => {
    return async function resolveModelConfig(...args) {
      return model(this, (await original.apply(this, args)) as object, args[0]);
    };
  });
  wrap(prototype, 'prepareModels', (original) => {
    return async function prepareModels(...args) {
      return fallbacks(this, (await original.apply(this, args)) as readonly FallbackEntry[]);
    };
  });
  wrap(prototype, 'getMemory', (original) => {
    return async function getMemory(...args) {
      const found = await original.apply(this, args);
      return typeof found === 'object' && found !== null ? memory(this, found) : found;
    };
  });
  hookEntries(prototype, AGENT_ENTRIES, run);
  Object.defineProperty(prototype, HOOKED, { value: true });
}

function hookRuns(prototype: object, entries: readonly string[], { run }: Handlers): void {
  if (Object.hasOwn(prototype, HOOKED)) return;
  hookEntries(prototype, entries, run);
  Object.defineProperty(prototype, HOOKED, { value: true });
}

function hookEntries(prototype: object, entries: readonly string[], run: Handlers['run']): void {
  for (const entry of entries) {
    wrap(prototype, entry, (original) => {
      return function entered(...args) {
        return run(this, () => original.apply(this, args));
      };
    });
  }
}

function hookProcessors(prototype: object, { replacement }: Handlers): void {
  if (Object.hasOwn(prototype, HOOKED)) return;
  wrap(prototype, 'runProcessInputStep', (original) => {
    return async function runProcessInputStep(...args) {
      const before = objectAt(args[0], 'model');
      const result = await original.apply(this, args);
      const after = objectAt(result, 'model');
      if (after !== undefined && after !== before) (result as { model: object }).model = replacement(before, after);
      return result;
    };
  });
  Object.defineProperty(prototype, HOOKED, { value: true });
}

/** The Mastra instance that an agent, a workflow's run or an executor of steps belongs to. */
export function mastraOf(owner: object): object | undefined {
  const read: unknown = Reflect.get(owner, 'getMastraInstance');
  const mastra: unknown = typeof read === 'function' ? Reflect.apply(read, owner, []) : Reflect.get(owner, 'mastra');
  return typeof mastra === 'object' && mastra !== null ? mastra : undefined;
}

/** The gateway that a model router sends through. */
export function gatewayOf(router: object): object | undefined {
  return objectAt(router, 'gateway');
}

function assertHooks(missing: readonly string[]): void {
  if (missing.length === 0) return;
  throw new ConfigError(
    `This version of @mastra/core has no ${missing.join(', ')}, so models could run past the guard. ` +
      `@agentkavach/mastra was tested with @mastra/core ${TESTED_WITH}: use that version, or a newer @agentkavach/mastra.`,
    { path: 'mastra' },
  );
}

function wrap(prototype: object, key: string, around: (original: Method) => Method): void {
  const original: unknown = Reflect.get(prototype, key);
  if (typeof original !== 'function') return;
  Object.defineProperty(prototype, key, {
    value: around(original as Method),
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

function objectAt(value: unknown, key: string): object | undefined {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return typeof found === 'object' && found !== null ? found : undefined;
}
