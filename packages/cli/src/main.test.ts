import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isNewEnough, LEAST_NODE } from './node-version.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Runs the program on a Node that says it is of this version, and lists the files that it loads. */
function runOn(version: string, ...argv: string[]) {
  const preload = `
    import { registerHooks } from 'node:module';
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });
    registerHooks({ load(url, context, next) { process.stderr.write('loads ' + url + '\\n'); return next(url, context); } });`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, MAIN, ...argv],
    { encoding: 'utf8' },
  );
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('loads '));
  const loaded = [...stderr.matchAll(/^loads (\S+)/gm)].map(([, url = '']) => basename(url));
  return { stdout, lines, status, loaded };
}

describe('on a Node that is too old', () => {
  it('says so first, and loads nothing that could fail', () => {
    const { stdout, lines, status, loaded } = runOn('20.20.2', 'dev');
    expect(lines).toEqual([
      expect.stringMatching(/^agentkavach needs Node 22\.13 or newer, and this is Node 20\.20\.2 \(.*node/),
    ]);
    expect([stdout, status]).toEqual(['', 1]);
    expect(loaded).toEqual(['main.ts', 'node-version.ts']);
  });

  it('says so to programs', () => {
    const { stdout, lines, status } = runOn('18.0.0', 'status', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'node_too_old' } });
    expect([lines, status]).toEqual([[], 1]);
  });
});

it.each([
  ['22.13.0', true],
  ['22.12.9', false],
  ['23.0.0', true],
  ['24.21.0', true],
  ['8.99.0', false],
])('Node %s is new enough: %s', (version, expected) => {
  expect(isNewEnough(version)).toBe(expected);
});

it('asks for what package.json asks for', () => {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  expect(JSON.parse(manifest)).toMatchObject({ engines: { node: `>=${LEAST_NODE}` } });
});
