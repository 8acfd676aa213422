/** Whether a process that a file names still is that process: numbers are given out again. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Whether any process has this number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** When the process began, in the system's own words; `undefined` where the system does not say. */
export function beginningOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') return statFields(pid)[19];
    if (process.platform === 'win32') return undefined;
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

/** The command line of a process; `undefined` where the system does not say. */
export function commandOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    if (process.platform === 'win32') return undefined;
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}

/** Ended, but its parent did not ask yet: in a container nobody may ever ask for an orphan. */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return statFields(pid)[0] === 'Z';
  } catch {
    return true;
  }
}

/** The fields of /proc/<pid>/stat after the command's name, which may hold anything: state first, start time at 19. */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
