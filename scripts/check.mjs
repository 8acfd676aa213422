/** `npm run check`: every gate in turn, one line each, and at the end what failed. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markBuilt, ROOT, runTool, say, SetupError } from './setup.mjs';

/** What stands between a change and the main branch. `after` names a step whose result this one reads. */
const STEPS = [
  { name: 'files', title: 'lockfile and file hygiene', tool: 'tsx', args: ['scripts/check-files.ts'] },
  { name: 'versions', title: 'one version everywhere', tool: 'tsx', args: ['scripts/check-versions.ts'] },
  { name: 'format', title: 'format', tool: 'prettier', args: ['--check', '.'] },
  { name: 'types', title: 'types', tool: 'tsc', args: ['-p', '.'] },
  { name: 'lint', title: 'lint', tool: 'eslint', args: ['.', '--max-warnings', '0'], after: 'types' },
  { name: 'imports', title: 'import rules', tool: 'vitest', args: ['run', 'scripts/import-rules.test.ts'] },
  { name: 'unused', title: 'unused code', tool: 'knip', args: [] },
  {
    name: 'catalog',
    title: 'price catalog is fresh',
    tool: 'tsx',
    args: ['packages/core/scripts/compile-catalog.ts', '--check'],
  },
  { name: 'prices', title: 'prices, second source', tool: 'tsx', args: ['packages/core/scripts/check-prices.ts'] },
  { name: 'build', title: 'build', tool: 'tsup', args: [] },
  { name: 'packages', title: 'published packages', tool: 'tsx', args: ['scripts/check-packages.ts'], after: 'build' },
  { name: 'sizes', title: 'size limits', tool: 'size-limit', args: [], after: 'build' },
];

/**
 * @param {string[]} args names of steps, all when there are none; `--report <file>` also writes the counts as JSON
 * @returns {Promise<number>} the exit code
 */
export async function check(args) {
  const report = args.includes('--report') ? args.splice(args.indexOf('--report'), 2)[1] : undefined;
  const unknown = args.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new SetupError(
      `No such step: ${unknown.join(', ')}. There are: ${STEPS.map(({ name }) => name).join(', ')}.`,
    );
  }
  const steps = args.length === 0 ? STEPS : STEPS.filter(({ name }) => args.includes(name));
  const width = Math.max(...steps.map(({ title }) => title.length));
  const failed = [];
  let passed = 0;
  const start = Date.now();
  for (const step of steps) {
    const before = Date.now();
    const { ok, output, interrupted } = failed.some(({ name }) => name === step.after)
      ? { ok: false, output: `Not run: ${step.after} failed.` }
      : await runStep(step);
    if (interrupted) return 130;
    say(`${ok ? '✓' : '✗'} ${step.title.padEnd(width)}  ${seconds(before)}`);
    if (ok) passed += 1;
    else failed.push({ ...step, output });
    if (report) writeFileSync(report, JSON.stringify({ passed, failed: failed.length, of: steps.length }));
  }
  for (const { title, name, output } of failed) {
    say(
      `\n── ${title} ${'─'.repeat(Math.max(0, 100 - title.length))}\n${output.trim()}\n   Again, alone: npm run check -- ${name}`,
    );
  }
  const names = failed.length > 0 ? `: ${failed.map(({ name }) => name).join(', ')}` : '';
  say(`\ncheck: ${passed} passed, ${failed.length} failed${names} (${seconds(start).trim()})`);
  return failed.length > 0 ? 1 : 0;
}

async function runStep({ name, tool, args }) {
  const script = tool === 'tsx' ? args[0] : undefined;
  if (script !== undefined && !existsSync(join(ROOT, script)))
    return { ok: false, output: `${script} does not exist.` };
  const { code, output, interrupted } = await runTool(tool, args, { capture: true });
  if (name === 'build' && code === 0) markBuilt();
  return { ok: code === 0, output, interrupted };
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1).padStart(5)} s`;
}
