/** Opens a run: the layer of context that guardrails, users and tags are counted by. */
import { record, text } from './config/check.ts';
import { show } from './show.ts';
import type { Engine } from './engine.ts';
import { ConfigError } from './errors.ts';
import type { Run } from './guardrails/run.ts';
import { currentFrame, withFrame } from './scope.ts';

/** Who and what a run belongs to. */
export interface RunScope {
  /** The run's id; a random one by default. */
  readonly runId?: string | undefined;
  /** The user that the run works for, for `Budget.perUser`. Inherited from the run around it. */
  readonly user?: string | undefined;
  /** Tags for `Budget.perTag`, at most 32; those of the run around it are added. */
  readonly tags?: readonly string[] | undefined;
}

/** What the function inside a run gets. */
export interface RunContext {
  readonly runId: string;
  /**
   * Aborts when a guardrail stops the run, or one around it, and when a kill stops the agent, for a reason that ends work in
   * flight. Read it anew after `guard.resume()`.
   */
  readonly signal: AbortSignal;
}

const MAX_TAGS = 32;
const checkId = text(200, `'run-42'`);
const checkUser = text(200, `'u1'`);
const checkTag = text(100, `'batch'`);

/** @throws ConfigError for a scope that is none */
export function openRun<T>(engine: Engine, scope: RunScope, fn: ((run: RunContext) => T) | undefined): T {
  if (typeof fn !== 'function')
    throw new ConfigError(
      `guard.run() needs a function: guard.run({ user: 'u1' }, async () => { … }), got ${show(fn)}.`,
      { path: 'run' },
    );
  const { runId, user, tags } = record(scope, 'run', ['runId', 'user', 'tags']) as RunScope;
  const outer = currentFrame();
  const within = innermostOf(engine, outer);
  const run = engine.newRun(within, runId === undefined ? undefined : checkId(runId, 'run.runId'));
  const frame = {
    parent: outer,
    guard: engine,
    user: user === undefined ? outer?.user : checkUser(user, 'run.user'),
    tags: mergeTags(outer?.tags ?? [], tags),
    run,
    call: undefined,
  };
  const end = (): void => {
    run.end();
    engine.stoppedRuns.delete(run);
  };
  let result: T;
  try {
    result = withFrame(frame, fn, contextOf(engine, run));
  } catch (error) {
    end();
    throw error;
  }
  if (result instanceof Promise) return result.finally(end) as T;
  // What else there is may still have calls in flight, or be an awaitable that starts when it is awaited: the run's time
  // goes on then.
  if (run.startedAt === undefined) end();
  return result;
}

function contextOf({ killSwitch }: Engine, run: Run): RunContext {
  return {
    runId: run.id,
    get signal() {
      return AbortSignal.any([run.signal, killSwitch.killSignal]);
    },
  };
}

/** The run of this guard that is open around the caller; the guard's default run is not one. */
function innermostOf(engine: Engine, frame: ReturnType<typeof currentFrame>): ReturnType<Engine['newRun']> | undefined {
  for (let layer = frame; layer !== undefined; layer = layer.parent) if (layer.guard === engine) return layer.run;
  return undefined;
}

function mergeTags(outer: readonly string[], tags: readonly string[] | undefined): readonly string[] {
  if (tags === undefined) return outer;
  if (!Array.isArray(tags))
    throw new ConfigError(`run.tags must be an array such as ['batch'], got ${show(tags)}.`, { path: 'run.tags' });
  const merged = [...new Set([...outer, ...tags.map((tag, index) => checkTag(tag, `run.tags[${index}]`))])];
  if (merged.length > MAX_TAGS)
    throw new ConfigError(`run.tags may hold at most ${MAX_TAGS} tags, got ${merged.length}.`, { path: 'run.tags' });
  return merged;
}
