/** Where events are kept on this machine: a folder that belongs to this user alone. */
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** A folder that may hold the buffers, with what to call it in the log. */
export interface Place {
  readonly path: string;
  readonly what: string;
  /** Whether the folder itself is the user's, who may have made it as they like. */
  readonly isConfigured: boolean;
}

/** The folders to try, the best first. */
export function places(directory: string | undefined, environment: Environment = process.env): Place[] {
  const configured = directory ?? environment['AGENTKAVACH_BUFFER_DIR'];
  return [
    ...(configured === undefined || configured === ''
      ? []
      : [{ path: configured, what: 'the configured folder', isConfigured: true }]),
    { path: join(stateFolder(environment), 'agentkavach'), what: "the user's data folder", isConfigured: false },
    { path: join(tmpdir(), `agentkavach-${uid() ?? 'user'}`), what: 'the temporary folder', isConfigured: false },
  ];
}

/** Where programs keep their state for one user, by the rules of each system. */
function stateFolder(environment: Environment): string {
  if (process.platform === 'win32') return environment['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support');
  return environment['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
}

/**
 * Makes a folder that only this user may enter, or checks one that is there: a link or a folder that someone else has put
 * there, in /tmp for example, is refused.
 *
 * @throws an Error that says what is wrong
 */
export function ownFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const found = lstatSync(path);
  if (!found.isDirectory()) throw new Error(`${path} is no folder`);
  const me = uid();
  if (me === undefined) return;
  if (found.uid !== me) throw new Error(`${path} belongs to another user`);
  if ((found.mode & 0o077) !== 0) chmodSync(path, 0o700);
}

/** Makes what holds the folders of a place, and for a configured one leaves as it is what is there. @throws */
export function openPlace({ path, isConfigured }: Place): void {
  mkdirSync(isConfigured ? path : join(path, '..'), { recursive: true, mode: 0o700 });
  if (!isConfigured) ownFolder(path);
}

/** The user's number; `undefined` where the system has none. */
function uid(): number | undefined {
  return process.getuid?.();
}
