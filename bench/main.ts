/** Runs the benchmarks and writes bench/RESULTS.md: each figure beside its baseline from the same run. */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { importSection, memorySection } from './footprint.ts';
import type { Figure, Section } from './measure.ts';
import { middlewareSection } from './middleware.ts';
import { reserveSection } from './reserve.ts';

const sections: Section[] = [];
for (const take of [memorySection, reserveSection, middlewareSection, importSection]) {
  const section = await take();
  sections.push(section);
  console.log(`\n${section.title}`);
  for (const figure of section.figures)
    console.log(`  ${figure.name.padEnd(55)} ${show(figure).padStart(12)}   ${verdict(figure)}`);
}

const [cpu] = cpus();
const lines = [
  '# Benchmark results',
  '',
  `Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, ${cpus().length} cores (${cpu?.model ?? 'unknown'}). Absolute figures differ from`,
  'machine to machine; compare each with the baselines of its own table, which were taken in the same run.',
];
for (const { title, note, figures } of sections) {
  lines.push('', `## ${title}`, '', note, '', '| what | measured | target |', '|---|---:|---:|');
  for (const figure of figures) lines.push(`| ${figure.name} | ${show(figure)} | ${verdict(figure)} |`);
}
writeFileSync('bench/RESULTS.md', `${lines.join('\n')}\n`);
console.log('\nWritten to bench/RESULTS.md');

function show({ value, unit }: Figure): string {
  return `${unit === 'bytes' ? Math.round(value).toLocaleString('en-US') : value.toFixed(2)} ${unit}`;
}

function verdict({ value, unit, target }: Figure): string {
  if (target === undefined) return '';
  return `≤ ${target.toLocaleString('en-US')} ${unit}: ${value <= target ? 'met' : 'MISSED'}`;
}
