/**
 * Runs a program so that nothing outlives this process: signals are passed on, and whatever the program started is ended
 * with it. Plain JavaScript without dependencies, because it also runs before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const GRACE_MS = 5_000;

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, capture?: boolean, shell?: boolean }} [options] `capture` collects the
 *   output instead of showing it
 * @returns {Promise<{ code: number, output: string, interrupted: boolean }>} `code` is 128 + n after signal n, and 127
 *   where the program does not exist
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: options.env ?? process.env,
      cwd: options.cwd,
      shell: options.shell ?? false,
      stdio: options.capture ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));

    let interrupted = false;
    let started = [];
    let timer;
    const end = () => {
      for (const pid of new Set([...started, ...descendants(child.pid)])) kill(pid, 'SIGKILL');
    };
    const onSignal = (signal) => {
      // The grandchildren are looked up now: once their parent is gone, nobody can tell that they were ours.
      started = [...started, ...descendants(child.pid)];
      // At a terminal, Ctrl-C has reached the child already; a second one would make it skip its own cleaning up.
      if (!(signal === 'SIGINT' && process.stdin.isTTY)) kill(child.pid, signal);
      interrupted = true;
      timer ??= setTimeout(() => {
        end();
        kill(child.pid, 'SIGKILL');
      }, GRACE_MS);
    };
    const onExit = () => {
      end();
      kill(child.pid, 'SIGKILL');
    };
    // npm runs us below a shell that passes no signal on: when it is gone, nobody is left who waits for us.
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.env.npm_lifecycle_event !== undefined && process.ppid !== parent && !interrupted) onSignal('SIGTERM');
    }, 1_000).unref();
    const listeners = SIGNALS.map((signal) => [signal, () => onSignal(signal)]);
    for (const [signal, listener] of listeners) process.on(signal, listener);
    process.on('exit', onExit);
    const done = () => {
      clearTimeout(timer);
      clearInterval(watch);
      for (const [signal, listener] of listeners) process.off(signal, listener);
      process.off('exit', onExit);
    };

    child.on('error', (error) => {
      done();
      if (error.code === 'ENOENT') resolve({ code: 127, output: '', interrupted });
      else reject(error);
    });
    // Before `close`, which a grandchild that still holds the pipe would delay.
    child.on('exit', () => {
      if (interrupted) end();
    });
    child.on('close', (code, signal) => {
      done();
      const status = code ?? 128 + (constants.signals[signal] ?? 0);
      resolve({ code: status, output: Buffer.concat(chunks).toString('utf8'), interrupted });
    });
  });
}

function kill(pid, signal) {
  if (pid === undefined) return;
  try {
    if (process.platform === 'win32' && signal !== 'SIGINT') spawnSync('taskkill', ['/pid', String(pid), '/T', '/F']);
    else process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** The processes that `root` started, directly or not. Empty on Windows, where taskkill /T finds them itself. */
function descendants(root) {
  if (root === undefined || process.platform === 'win32') return [];
  const children = new Map();
  for (const [pid, parent] of process.platform === 'linux' ? fromProc() : fromPs()) {
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [];
  const queue = [root];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    const next = children.get(pid) ?? [];
    found.push(...next);
    queue.push(...next);
  }
  return found;
}

/** Slim container images have no ps. */
function fromProc() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        // pid (name) state ppid …, and the name may hold spaces and parentheses.
        const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
        return [[Number(name), Number(parent)]];
      } catch {
        return [];
      }
    });
}

function fromPs() {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return (stdout ?? '')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
}
