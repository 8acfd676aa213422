/**
 * The way into every task of this repository: `node scripts/go.mjs <task> [args]`, which is what the npm scripts call. It
 * does the set-up where it is missing, then runs the task on the pinned Node. Needs Node 20 or newer, and nothing installed.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { check } from './check.mjs';
import { ensureBuilt, ensureInstalled, markBuilt, ROOT, runNode, runTool, SetupError } from './setup.mjs';

/** What each task runs once the packages are installed. `built`: it reads the dist folders. */
const TASKS = {
  test: { about: 'the tests', run: (args) => tool('vitest', ['run', ...args]) },
  check: { about: 'format, lint, types, imports, unused code, prices, packages, sizes', run: (args) => check(args) },
  build: { about: 'the packages, as they are published', run: build },
  format: {
    about: 'rewrites files the way the format check wants them',
    run: (args) => tool('prettier', ['--write', '.', ...args]),
  },
  demo: { about: 'a runaway agent, stopped', run: (args) => program('demo/main.ts', args) },
  chaos: {
    about: 'processes, database and network die; the limit holds',
    run: (args) => program('chaos/main.ts', args),
  },
  bench: { about: 'the benchmarks', built: true, run: bench },
};

async function main([name, ...args]) {
  const task = Object.hasOwn(TASKS, name ?? '') ? TASKS[name] : undefined;
  if (task === undefined) {
    const list = Object.entries(TASKS).map(([key, { about }]) => `  ${key.padEnd(8)} ${about}`);
    throw new SetupError([name ? `There is no task "${name}".` : 'Name a task.', 'Tasks:', ...list].join('\n'));
  }
  await ensureInstalled();
  if (task.built) await ensureBuilt();
  return task.run(args);
}

async function tool(name, args) {
  return (await runTool(name, args)).code;
}

async function build(args) {
  const code = await tool('tsup', args);
  if (code === 0) markBuilt();
  return code;
}

/** Compiled as the packages are: what a development loader adds to each function would be measured otherwise. */
async function bench(args) {
  const { build: bundle } = await import('esbuild');
  const outdir = join(ROOT, 'node_modules/.cache/bench');
  rmSync(outdir, { recursive: true, force: true });
  const entryPoints = [join(ROOT, 'bench/main.ts')];
  await bundle({
    entryPoints,
    outdir,
    outExtension: { '.js': '.mjs' },
    // What a section needs is loaded with it.
    splitting: true,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node22',
  });
  return (await runNode(['--expose-gc', join(outdir, 'main.mjs'), ...args])).code;
}

function program(path, args) {
  if (!existsSync(join(ROOT, path))) throw new SetupError(`${path} does not exist: get a complete checkout.`);
  return tool('tsx', [path, ...args]);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof SetupError ? error.message : (error?.stack ?? error)}\n`);
  process.exitCode = 1;
}
