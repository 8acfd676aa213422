/** Keeps a guard's spend in a file where there is no backend: the option `persist`. */
import type { Engine } from './engine.ts';
import { ConfigError } from './errors.ts';
import { Gate } from './gate.ts';
import { PoolKeeper } from './pool-keeper.ts';
import { SpendKeeper } from './spend-keeper.ts';
import { isNode } from './store.ts';

/** One guard's file. Calls wait the moment that it takes to read it. */
export class Persistence {
  readonly #opened: Promise<(() => void) | undefined>;

  /** @param persist the file; `true`: one for this agent in the user's data folder */
  constructor(engine: Engine, persist: true | string) {
    if (engine.policy.mode !== 'observe') engine.gate = new Gate();
    this.#opened = open(engine, persist, new PoolKeeper(engine)).catch((error: unknown) => {
      // A guard that was to keep its spend and can't must not begin at zero.
      engine.fault =
        error instanceof ConfigError ? error : new ConfigError(`persist: ${String(error)}`, { path: 'persist' });
      console.error(`[agentkavach] ${engine.fault.message} Calls are refused.`);
      return undefined;
    });
    void this.#opened.then(() => engine.open());
  }

  /** Writes what is left and gives the file back. */
  async close(): Promise<void> {
    (await this.#opened)?.();
  }
}

/** @returns what closes it */
async function open(engine: Engine, persist: true | string, pools: PoolKeeper): Promise<() => void> {
  if (!isNode())
    throw new ConfigError('persist needs a file system, which this runtime has none of.', { path: 'persist' });
  const { atExit } = await import('./node/at-exit.ts');
  const { openPersistedSpend } = await import('./node/spend-journal-open.ts');
  // Before the journal is opened, which writes at the exit what is charged here.
  const takeBack = atExit(() => engine.leave());
  const answer = openPersistedSpend({ persist, agentName: engine.policy.agentName });
  if ('refused' in answer) {
    takeBack();
    throw new ConfigError(answer.refused, { path: 'persist' });
  }
  const { journal, path, close } = answer.opened;
  new SpendKeeper(engine, journal).takeUp();
  pools.begin(journal, path);
  return () => {
    takeBack();
    close();
  };
}
