import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assetFolder, sqlFiles } from './assets.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kavach-assets-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const made = (folder: string): string => {
  mkdirSync(join(root, folder), { recursive: true });
  return join(root, folder);
};
const module = (file: string): string => pathToFileURL(join(root, file)).href;

it('finds the SQL in the repository', () => {
  const baseline = made('packages/embedded/sql');
  const migrations = made('supabase/migrations');
  writeFileSync(join(root, 'packages/embedded/package.json'), '{}');
  expect(assetFolder('baseline', module('packages/embedded/src/postgres/assets.ts'))).toBe(baseline);
  expect(assetFolder('migrations', module('packages/embedded/src/postgres/assets.ts'))).toBe(migrations);
});

it('finds the SQL beside the built code, and not that of the program which uses it', () => {
  const own = made('app/node_modules/@agentkavach/embedded/dist/assets/migrations');
  made('app/supabase/migrations');
  made('app/sql');
  for (const folder of ['app', 'app/node_modules/@agentkavach/embedded'])
    writeFileSync(join(root, folder, 'package.json'), '{}');
  const from = module('app/node_modules/@agentkavach/embedded/dist/chunk.js');
  expect(assetFolder('migrations', from)).toBe(own);
  expect(() => assetFolder('baseline', from)).toThrow('The baseline of @agentkavach/embedded: there is no such folder');
});

it('reads the .sql files in the order of their names', () => {
  for (const name of ['2_b.sql', '1_a.sql', 'notes.md']) writeFileSync(join(root, name), name);
  expect(sqlFiles(root)).toEqual([
    { name: '1_a.sql', sql: '1_a.sql' },
    { name: '2_b.sql', sql: '2_b.sql' },
  ]);
});
