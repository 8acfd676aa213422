import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { claimDataFolder } from '../postgres/data-folder.ts';
import { removeLeftovers } from './leftovers.ts';

it('removes the folders of runs that have ended, and no others', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'kavach-leftovers-'));
  const running = claimDataFolder(join(parent, 'run-1'));
  claimDataFolder(join(parent, 'run-2')).release();
  mkdirSync(join(parent, 'run-3'));
  mkdirSync(join(parent, 'other-4'));
  writeFileSync(join(parent, 'other-4/owner.1.json'), '{}');
  expect(await removeLeftovers(parent, 'run-')).toEqual([join(parent, 'run-2')]);
  expect(['run-1', 'run-3', 'other-4'].every((name) => existsSync(join(parent, name)))).toBe(true);
  running.release();
  rmSync(parent, { recursive: true });
});
