/** Opens what one guard keeps on this machine: its events and its spend. Loaded with import(), on Node only. */
import { dirname, join } from 'node:path';
import { MemoryBuffer, type EventBuffer } from '../telemetry/buffer.ts';
import { warnToConsole } from '../telemetry/drop-notice.ts';
import { DiskBuffer, type DiskBufferOptions } from './disk-buffer.ts';
import { BufferFolder, removeAdopted, type FolderOptions } from './disk-buffer-folder.ts';
import { SpendJournal } from './spend-journal.ts';

const SPEND = 'spend.json';

/** The open journals of this process, by account. */
const families = new Map<string, Set<SpendJournal>>();

/** What to open. */
export interface OpenOptions
  extends Omit<FolderOptions, 'warn'>, Omit<DiskBufferOptions, 'folder' | 'adopted' | 'onAdopted' | 'beforeRelease'> {}

/** What is open. `buffer.close()` closes both. */
export interface Opened {
  readonly buffer: EventBuffer;
  /** Already holds the spend of the processes that died before. */
  readonly spend: SpendJournal;
}

/**
 * Opens a buffer on disk and takes over what dead processes left behind; a buffer in memory where no folder can be used.
 * Never throws. Takes about a millisecond.
 *
 * @example
 * const { openDiskBuffer } = await import('./node/disk-buffer-open.ts');
 * const { buffer, spend } = openDiskBuffer({ account: `${baseUrl} ${apiKey}`, instance: crypto.randomUUID() });
 */
export function openDiskBuffer(options: OpenOptions): Opened {
  const { warn = warnToConsole, timers } = options;
  const folder = BufferFolder.open({ ...options, warn });
  if (folder === undefined) {
    return { buffer: new MemoryBuffer(options), spend: new SpendJournal({ file: () => undefined, timers, warn }) };
  }
  const adopted = folder.adopt();
  const family = families.get(folder.account) ?? new Set();
  families.set(folder.account, family);
  const spend = new SpendJournal({
    family,
    file: () => join(folder.path, SPEND),
    onMerged: (file) => removeAdopted(dirname(file)),
    timers,
    warn,
  });
  const merge = (folders: readonly string[]): void => spend.merge(folders.map((path) => join(path, SPEND)));
  if (adopted.length > 0) merge(adopted);
  const beforeRelease = (): void => {
    spend.close();
    if (family.size === 0) families.delete(folder.account);
  };
  const buffer = new DiskBuffer({ ...options, warn, folder, adopted, onAdopted: merge, beforeRelease });
  return { buffer, spend };
}
