/** A module on Deno, the runtime of production, from this workspace's packages and without a network. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../deploy/functions.ts';

const TARGETS: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64-glibc',
  'linux-arm64': 'linux-arm64-glibc',
  'darwin-x64': 'darwin-x64',
  'darwin-arm64': 'darwin-arm64',
  'win32-x64': 'win32-x64',
  'win32-arm64': 'win32-arm64',
};

/** What Deno has compiled, for all processes and runs: most of their modules are the same. It goes by their text. */
const CACHE = join(ROOT, 'node_modules/.cache/deno');

const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  devDependencies: { deno: string };
};

/** What an answer says that it is from: `Deno 2.1.4`, the version that this repository pins. */
export const PINNED = `Deno ${devDependencies.deno}`;

/** The program itself: `npx deno` starts another process, which would outlive the one that we know. */
function denoProgram(): string {
  const platform = `${process.platform}-${process.arch}`;
  const target = TARGETS[platform];
  if (target === undefined) throw new Error(`Deno has no build for ${platform}.`);
  const manifest = createRequire(import.meta.url).resolve(`@deno/${target}/package.json`);
  return join(dirname(manifest), process.platform === 'win32' ? 'deno.exe' : 'deno');
}

export interface DenoProcess {
  /** `http://127.0.0.1:<port>`; a function's paths begin with its name. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts a module that calls `Deno.serve`.
 *
 * @param options `config`: its `deno.json`; `env`: all that it has of an environment
 * @throws with what it printed where it ends before it listens
 */
export async function startOnDeno(
  module: string,
  options: { readonly config: string; readonly env?: Readonly<Record<string, string>> },
): Promise<DenoProcess> {
  const modules = [join(import.meta.dirname, 'serve.ts'), module];
  const main = modules.map((path) => `import '${pathToFileURL(path).href}';`).join('');
  const child = spawn(
    denoProgram(),
    [
      ...['run', '--config', options.config, '--node-modules-dir=manual', '--no-remote', '--no-prompt'],
      ...['--allow-net=127.0.0.1', '--allow-env', '--allow-read', '--allow-sys'],
      `data:text/javascript,${encodeURIComponent(main)}`,
    ],
    {
      env: { PATH: process.env['PATH'], HOME: CACHE, DENO_DIR: CACHE, NO_COLOR: '1', ...options.env },
      // It ends when its input does, also where this process is killed.
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  const printed: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    printed.push(line);
    // Shown where a test fails.
    console.error(line);
  });
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
  return {
    url: `http://127.0.0.1:${await port}`,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}
