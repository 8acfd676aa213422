/** The benchmark's other processes: compiled once, as the packages are, and talked to in lines of JSON. */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';

/** Inside node_modules, where the packages that stay outside of the bundle are found. */
const FOLDER = 'node_modules/.cache/agentkavach-bench';

/** A process that answers each line with one. */
export interface Program {
  /** Its next line. @throws where it has ended */
  next<T>(): Promise<T>;
  /** Says something. */
  tell(what: unknown): void;
  ask<T>(what: unknown): Promise<T>;
  /** Ends its input, which is its sign to stop, and waits for that. */
  end(): Promise<void>;
}

/** Compiles the programs, and puts the SQL beside them as in the published package. */
export async function compilePrograms(): Promise<void> {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(join(FOLDER, 'assets'), { recursive: true });
  cpSync('supabase/migrations', join(FOLDER, 'assets/migrations'), { recursive: true });
  cpSync('packages/embedded/sql', join(FOLDER, 'assets/baseline'), { recursive: true });
  await build({
    entryPoints: ['host', 'load', 'victim'].map((name) => `bench/backend/${name}.ts`),
    outdir: FOLDER,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node22',
  });
}

/** Starts one of them. */
export function startProgram(name: 'host' | 'load' | 'victim', env: Readonly<Record<string, string>> = {}): Program {
  const flags = process.env['KAVACH_BENCH_NODE_FLAGS']?.split(' ') ?? [];
  const child = spawn(process.execPath, [...flags, join(FOLDER, `${name}.mjs`)], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = endOf(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async <T>(): Promise<T> => {
    const { value } = (await lines.next()) as { value?: string };
    if (value === undefined) throw new Error(`The program ${name} has ended.`);
    return JSON.parse(value) as T;
  };
  const tell = (what: unknown): void => void child.stdin.write(`${JSON.stringify(what)}\n`);
  return {
    next,
    tell,
    ask: (what) => {
      tell(what);
      return next();
    },
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** In a program: answers each line with what `work` makes of it, until the input ends. */
export async function answerLines<Q, A>(work: (question: Q) => Promise<A>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) say(await work(JSON.parse(line) as Q));
}

/** In a program: says something. */
export function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
