/** Keeps a guard's spend in a file where there is no backend: the option `persist`. */
import type { Engine } from './engine.ts';
import { ConfigError } from './errors.ts';
import { Gate } from './gate.ts';
import type { PersistedSpend } from './node/spend-journal-open.ts';
import { SpendKeeper } from './spend-keeper.ts';
import { isNode } from './store.ts';

/** One guard's file. Calls wait the moment that it takes to read it. */
export class Persistence {
  readonly #opened: Promise<PersistedSpend | undefined>;

  /** @param persist the file; `true`: one for this agent in the user's data folder */
  constructor(engine: Engine, persist: true | string) {
    if (engine.policy.mode !== 'observe') engine.gate = new Gate();
    this.#opened = open(engine, persist).catch((error: unknown) => {
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
    (await this.#opened)?.close();
  }
}

async function open(engine: Engine, persist: true | string): Promise<PersistedSpend> {
  if (!isNode())
    throw new ConfigError('persist needs a file system, which this runtime has none of.', { path: 'persist' });
  const { openPersistedSpend } = await import('./node/spend-journal-open.ts');
  const answer = openPersistedSpend({ persist, agentName: engine.policy.agentName });
  if ('refused' in answer) throw new ConfigError(answer.refused, { path: 'persist' });
  new SpendKeeper(engine, answer.opened.journal).takeUp();
  return answer.opened;
}
