/** Opens the journal of the option `persist`: local spend kept across restarts, for one process at a time. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { warnToConsole, type Warn } from '../telemetry/drop-notice.ts';
import { systemTimers, type Timers } from '../telemetry/timers.ts';
import { atExit } from './at-exit.ts';
import { openPlace, places } from './disk-buffer-place.ts';
import { TOUCH_MS } from './node-lock.ts';
import { takeLock } from './node-lock-exclusive.ts';
import { SpendJournal } from './spend-journal.ts';

/** What to keep, and where. */
export interface PersistOptions {
  /** A file, or `true`: one for this agent in the user's data folder. */
  readonly persist: true | string;
  readonly agentName: string;
  readonly timers?: Timers | undefined;
  readonly warn?: Warn | undefined;
}

/** A journal that this process alone writes. */
export interface PersistedSpend {
  readonly journal: SpendJournal;
  /** The file. */
  readonly path: string;
  /** Writes what is left and gives the file back. Never throws. */
  close(): void;
}

/** The journal, or why there is none, as a sentence for the user. */
export type PersistAnswer = { readonly opened: PersistedSpend } | { readonly refused: string };

/**
 * Opens the journal. Never throws.
 *
 * @example
 * const answer = openPersistedSpend({ persist: './spend.json', agentName: 'research-bot' });
 * if ('refused' in answer) throw new ConfigError(answer.refused, { path: 'persist' });
 */
export function openPersistedSpend(options: PersistOptions): PersistAnswer {
  const { agentName, timers = systemTimers, warn = warnToConsole } = options;
  let path = '';
  try {
    path = options.persist === true ? defaultPath(agentName) : options.persist;
    const answer = takeLock(path);
    if ('heldBy' in answer) {
      const holder = answer.heldBy === undefined ? 'another process' : `process ${answer.heldBy.pid}`;
      return {
        refused:
          `persist: ${path} is in use by ${holder}, which counts its spend in it. ` +
          'Two processes that share a budget need a backend (npx agentkavach dev); else give each its own path.',
      };
    }
    const { lock } = answer;
    const journal = new SpendJournal({ file: () => path, timers, warn });
    let cancel = (): void => undefined;
    const watch = (): void => {
      cancel = timers.start(TOUCH_MS, () => {
        lock.touch();
        watch();
      });
    };
    watch();
    const close = (): void => {
      cancel();
      takeBack();
      journal.close();
      lock.release();
    };
    const takeBack = atExit(close);
    return { opened: { journal, path, close } };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { refused: `persist: ${path} can't be used: ${reason}. Give a path that this process may write to.` };
  }
}

function defaultPath(agentName: string): string {
  // The user's data folder: never the buffer's own, which a container may share among processes.
  const place = places('', {}).find(({ isConfigured }) => !isConfigured);
  if (place === undefined) throw new Error('there is no folder for it');
  openPlace(place);
  const name = encodeURIComponent(agentName);
  // File systems take 255 bytes.
  const short = name.length <= 200 ? name : createHash('sha256').update(agentName).digest('hex');
  return join(place.path, `spend-${short}.json`);
}
