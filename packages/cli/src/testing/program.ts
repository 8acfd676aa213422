/** The program in a process of its own, from its sources, as a shell would start it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** A process that runs `agentkavach`. */
export interface Program {
  readonly child: ChildProcess;
  readonly out: readonly string[];
  readonly err: readonly string[];
  /** When standard output has a line with the text. */
  line(text: string): Promise<string>;
  /** When it has ended: exit code and signal. */
  readonly ended: Promise<readonly [code: number | null, signal: string | null]>;
}

const TSX = createRequire(import.meta.url).resolve('tsx');
const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const TSCONFIG = fileURLToPath(new URL('../../../../tsconfig.json', import.meta.url));

/** Starts it in a folder. What a failed test leaves running is ended. */
export function program(cwd: string, ...argv: string[]): Program {
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('AGENTKAVACH_'));
  const child = spawn(process.execPath, ['--import', TSX, MAIN, ...argv], {
    cwd,
    env: { ...Object.fromEntries(environment), TSX_TSCONFIG_PATH: TSCONFIG },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    if (child.exitCode === null) child.kill('SIGTERM');
  });
  const ended = once(child, 'close') as Promise<[number | null, string | null]>;
  const out: string[] = [];
  const err: string[] = [];
  const waiting: { readonly text: string; readonly seen: (line: string) => void }[] = [];
  createInterface(child.stdout).on('line', (line) => {
    out.push(line);
    for (const { text, seen } of waiting) if (line.includes(text)) seen(line);
  });
  createInterface(child.stderr).on('line', (line) => err.push(line));
  return {
    ...{ child, out, err, ended },
    line: async (text) => {
      const printed = out.find((line) => line.includes(text));
      if (printed !== undefined) return printed;
      const seen = Promise.withResolvers<string>();
      waiting.push({ text, seen: seen.resolve });
      const over = ended.then(([code]) => Promise.reject(new Error(`It ended with ${code}: ${err.join('\n')}`)));
      return Promise.race([seen.promise, over]);
    },
  };
}
