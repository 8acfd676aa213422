/** A function on Deno, the runtime of production, from this workspace's packages and without a network. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const TARGETS: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64-glibc',
  'linux-arm64': 'linux-arm64-glibc',
  'darwin-x64': 'darwin-x64',
  'darwin-arm64': 'darwin-arm64',
  'win32-x64': 'win32-x64',
  'win32-arm64': 'win32-arm64',
};

/** Where Deno keeps what it has compiled: for all functions of a test file, since they share most of their modules. */
const home = mkdtempSync(join(tmpdir(), 'kavach-deno-'));

/** Removes what Deno has kept. After the last function has stopped. */
export function forgetCompiled(): void {
  rmSync(home, { recursive: true, force: true });
}

/** The program itself: `npx deno` starts another process, which would outlive the one that we know. */
function denoProgram(): string {
  const platform = `${process.platform}-${process.arch}`;
  const target = TARGETS[platform];
  if (target === undefined) throw new Error(`Deno has no build for ${platform}.`);
  const manifest = createRequire(import.meta.url).resolve(`@deno/${target}/package.json`);
  return join(dirname(manifest), process.platform === 'win32' ? 'deno.exe' : 'deno');
}

export interface DenoFunction {
  /** `http://127.0.0.1:<port>`; the function's paths begin with its name. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts `<folder>/index.ts`.
 *
 * @param env all that it has of an environment
 * @throws with what it printed where it ends before it listens
 */
export async function startFunction(folder: string, env: Readonly<Record<string, string>>): Promise<DenoFunction> {
  const child = spawn(
    denoProgram(),
    [
      ...['run', '--config', join(folder, 'deno.json'), '--node-modules-dir=manual', '--no-remote', '--no-prompt'],
      ...['--allow-net=127.0.0.1', '--allow-env', '--allow-read', '--allow-sys', '-'],
    ],
    { env: { PATH: process.env['PATH'], HOME: home, DENO_DIR: home, ...env }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const printed: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => printed.push(line));
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'close');
  const port = new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      const [, found] = /^port (\d+)$/.exec(line) ?? [];
      if (found === undefined) printed.push(line);
      else resolve(found);
    });
    void ended.then(() => reject(new Error(`Deno ended before it listened:\n${printed.join('\n')}`)));
  });
  child.stdin.end(onFreePort(pathToFileURL(join(folder, 'index.ts')).href));
  return {
    url: `http://127.0.0.1:${await port}`,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

/** `Deno.serve` without a port takes 8000. */
function onFreePort(module: string): string {
  return `
    const { serve } = Deno;
    const onListen = ({ port }) => console.log('port ' + port);
    Deno.serve = (handler) => serve({ port: 0, hostname: '127.0.0.1', onListen }, handler);
    await import('${module}');
  `;
}
