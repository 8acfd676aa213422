/** What a call in flight weighs, and what importing the package costs. */
import { execFileSync } from 'node:child_process';
import { AgentKavach, Budget } from '../packages/core/src/index.ts';
import { median, type Section } from './measure.ts';

const CALLS = 10_000;
const REQUEST = { provider: 'openai', model: 'gpt-4o', input: [{ role: 'user', content: 'Hi' }], maxOutputTokens: 100 };

/** Heap bytes per call in flight, beside a bare promise with a controller. */
export async function memorySection(): Promise<Section> {
  const guard = new AgentKavach({ budget: Budget.daily(1_000_000), waitMs: 0 });
  const open: (() => void)[] = [];
  const plain = weigh(() => {
    const controller = new AbortController();
    return new Promise<unknown>((resolve) => open.push(() => resolve(controller)));
  });
  const guarded = weigh(() =>
    guard.call(
      REQUEST,
      ({ signal }) =>
        new Promise((resolve) =>
          open.push(() => resolve({ value: signal, usage: { inputTokens: 1, outputTokens: 1 } })),
        ),
    ),
  );
  for (const finish of open) finish();
  await Promise.all(guarded.kept);
  await guard.close();
  return {
    title: `${CALLS.toLocaleString('en-US')} calls in flight`,
    note: "Heap per call, garbage collected first. The figure holds the callback's own promise and the abort signal too.",
    figures: [
      { name: 'baseline: a pending promise and an AbortController', value: plain.bytes, unit: 'bytes' },
      { name: 'guard.call() in flight, signal in use', value: guarded.bytes, unit: 'bytes', target: 2048 },
    ],
  };
}

function weigh(start: () => Promise<unknown>): { bytes: number; kept: Promise<unknown>[] } {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('Run node with --expose-gc.');
  const kept: Promise<unknown>[] = [start()];
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < CALLS; i++) kept.push(start());
  gc();
  return { bytes: (process.memoryUsage().heapUsed - before) / CALLS, kept };
}

/** Milliseconds to import the built package in a fresh process, beside zod, which it therefore does not use. */
export function importSection(): Section {
  return {
    title: 'Import time (median of 15 fresh processes)',
    note: 'Measured inside the process, around the import alone.',
    figures: [
      { name: "baseline: import 'zod'", value: importTime('zod'), unit: 'ms' },
      { name: "import '@agentkavach/core'", value: importTime('@agentkavach/core'), unit: 'ms', target: 40 },
    ],
  };
}

function importTime(name: string): number {
  const script = `const start = performance.now(); await import(${JSON.stringify(name)}); console.log(performance.now() - start);`;
  const times = Array.from({ length: 15 }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })),
  );
  return median(times);
}
