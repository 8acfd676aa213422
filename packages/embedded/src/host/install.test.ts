import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimDataFolder } from '../postgres/data-folder.ts';
import { DataFolderInUseError } from '../postgres/errors.ts';
import { installAt, removeInstall } from './install.ts';
import { secretsIn } from './secrets.ts';

let root: string;
let dataDir: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kavach-install-'));
  dataDir = join(root, 'data');
  mkdirSync(dataDir);
});
afterEach(() => rmSync(root, { recursive: true }));

it('tells the keys of an install, and where it answers while it runs', async () => {
  expect(installAt(dataDir)).toBeUndefined();
  const { keys } = await secretsIn(dataDir);
  expect(installAt(dataDir)).toEqual({ url: undefined, keys });
  const folder = claimDataFolder(dataDir);
  folder.answerAt('http://127.0.0.1:4000');
  expect(installAt(dataDir)).toEqual({ url: 'http://127.0.0.1:4000', keys });
  expect(() => removeInstall(dataDir)).toThrow(DataFolderInUseError);
  folder.release();
  expect(installAt(dataDir)).toEqual({ url: undefined, keys });
});

it('removes an install, wherever its files are, and nothing else', async () => {
  await secretsIn(dataDir);
  const elsewhere = join(root, 'elsewhere');
  mkdirSync(join(elsewhere, 'postgres'), { recursive: true });
  writeFileSync(join(elsewhere, 'postgres/PG_VERSION'), '17');
  symlinkSync(join(elsewhere, 'postgres'), join(dataDir, 'postgres'));
  writeFileSync(join(dataDir, 'notes.txt'), 'mine');
  expect(removeInstall(dataDir)).toBe(true);
  expect(readdirSync(dataDir)).toEqual(['notes.txt']);
  expect(existsSync(elsewhere)).toBe(false);
  expect(removeInstall(dataDir)).toBe(false);

  rmSync(join(dataDir, 'notes.txt'));
  await secretsIn(dataDir);
  mkdirSync(join(dataDir, 'postgres'));
  expect(removeInstall(dataDir)).toBe(true);
  expect(existsSync(dataDir)).toBe(false);
});

it('leaves a folder alone that holds something else', () => {
  writeFileSync(join(dataDir, 'secrets.json'), '{"of": "another program"}');
  expect(removeInstall(dataDir)).toBe(false);
  expect(readdirSync(dataDir)).toEqual(['secrets.json']);
});
