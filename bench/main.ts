/**
 * Runs the benchmarks and writes bench/RESULTS.md: each figure beside its baseline from the same run. `engine` or `backend`
 * as the first argument takes that part alone and leaves the rest of the file as it is; `engine sdk langchain` takes those
 * sections of it.
 */
import type { Figure, Section } from './measure.ts';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';

const RESULTS = 'bench/RESULTS.md';

const ENGINE: Readonly<Record<string, () => Promise<Section>>> = {
  memory: async () => (await import('./footprint.ts')).memorySection(),
  reserve: async () => (await import('./reserve.ts')).reserveSection(),
  middleware: async () => (await import('./middleware.ts')).middlewareSection(),
  langchain: async () => (await import('./langchain.ts')).langchainSection(),
  mastra: async () => (await import('./mastra.ts')).mastraSection(),
  sdk: async () => (await import('./sdk.ts')).sdkSection(),
  import: async () => (await import('./footprint.ts')).importSection(),
};

/** Each section in a process of its own: what one leaves behind, in compiled code and on the heap, would slow the next, and so would the frameworks of the others. */
async function* engineSections(names: readonly string[]): AsyncGenerator<Section> {
  for (const name of names) {
    const child = fork(process.argv[1] ?? '', ['take', name], { execArgv: process.execArgv });
    const ended = once(child, 'exit');
    const [section] = (await Promise.race([once(child, 'message'), ended])) as [Section | number | null];
    if (typeof section !== 'object' || section === null) throw new Error(`The section ${name} has failed.`);
    await ended;
    yield section;
  }
}

const [part, ...rest] = process.argv.slice(2);
if (part === 'take') {
  process.send?.(await ENGINE[rest[0] ?? '']?.());
  process.exit();
}
const isPart = part === 'engine' || part === 'backend';
const args = isPart ? rest : process.argv.slice(2);
const sections = new Map(part === 'engine' || part === 'backend' ? earlier() : []);
if (part !== 'backend')
  await takeAll(engineSections(part === 'engine' && rest.length > 0 ? rest : Object.keys(ENGINE)));
if (part !== 'engine') await takeAll((await import('./backend/sections.ts')).backendSections(args));

const [cpu] = cpus();
const head = [
  '# Benchmark results',
  '',
  `Written by \`npm run bench\` on ${today()}: Node ${process.version}, ${cpus().length} cores (${cpu?.model ?? 'unknown'}). Absolute figures differ from`,
  'machine to machine; compare each with the baselines of its own table, which were taken in the same run.',
];
writeFileSync(RESULTS, `${[head.join('\n'), ...sections.values()].join('\n\n')}\n`);
console.log(`\nWritten to ${RESULTS}`);

async function takeAll(source: AsyncGenerator<Section>): Promise<void> {
  for (;;) {
    const load = loadavg()[0] ?? 0;
    const { done, value: section } = (await source.next()) as IteratorResult<Section, undefined>;
    if (done === true) return;
    const { title, note, figures } = section;
    console.log(`\n${title} (load before: ${load.toFixed(1)})`);
    for (const figure of figures)
      console.log(`  ${figure.name.padEnd(66)} ${show(figure).padStart(16)}   ${verdict(figure)}`);
    const lines = [`## ${title}`, '', note, `Taken on ${today()}; load average before: ${load.toFixed(1)}.`, ''];
    lines.push('| what | measured | target |', '|---|---:|---:|');
    for (const figure of figures) lines.push(`| ${figure.name} | ${show(figure)} | ${verdict(figure)} |`);
    sections.set(title, lines.join('\n'));
  }
}

/** The sections of the last run, by title. */
function earlier(): [string, string][] {
  if (!existsSync(RESULTS)) return [];
  const [, ...texts] = readFileSync(RESULTS, 'utf8').split(/^(?=## )/m);
  return texts.map((text) => [/^## (.*)$/m.exec(text)?.[1] ?? '', text.trimEnd()]);
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function show({ value, unit }: Figure): string {
  const whole = unit === 'bytes' || unit === 'events/s';
  return `${whole ? Math.round(value).toLocaleString('en-US') : value.toFixed(2)} ${unit}`;
}

function verdict({ value, unit, target, atLeast }: Figure): string {
  if (target !== undefined) return `≤ ${target.toLocaleString('en-US')} ${unit}: ${value <= target ? 'met' : 'MISSED'}`;
  if (atLeast !== undefined)
    return `≥ ${atLeast.toLocaleString('en-US')} ${unit}: ${value >= atLeast ? 'met' : 'MISSED'}`;
  return '';
}
