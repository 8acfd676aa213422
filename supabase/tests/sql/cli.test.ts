/** The real Supabase CLI on a database that the embedded backend has migrated. It works without a network. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createDatabase, type TestDatabase } from '@agentkavach/embedded/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);
let database: TestDatabase;
let workdir: string;

beforeAll(async () => {
  database = await createDatabase();
  // The CLI writes beside what it reads.
  workdir = mkdtempSync(join(tmpdir(), 'kavach-cli-'));
  for (const part of ['config.toml', 'migrations', 'seed.sql', 'templates']) {
    cpSync(join(repository, 'supabase', part), join(workdir, 'supabase', part), { recursive: true });
  }
});
afterAll(async () => {
  rmSync(workdir, { recursive: true, force: true });
  await database.drop();
});

async function supabase(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run(
    join(repository, 'node_modules/.bin/supabase'),
    [...args, `--remote=${database.url}?sslmode=disable`, '--yes', '--agent', 'no'],
    { cwd: workdir, env: { PATH: process.env['PATH'], HOME: workdir, DO_NOT_TRACK: '1' }, timeout: 50_000 },
  );
  return stdout + stderr;
}

describe('the Supabase CLI', () => {
  it('finds nothing left to push', async () => {
    expect(await supabase('db', 'push', '--dry-run')).toContain('up to date');
  });

  it('has no advice on security or performance', async () => {
    // Below a warning there is only that no index of an empty database has been used yet.
    expect(await supabase('db', 'advisors', '--level', 'warn', '--fail-on', 'warn')).not.toMatch(/"level"|cache_key/);
    const all = await supabase('db', 'advisors', '--level', 'info', '--output-format', 'json');
    const names = new Set(Array.from(all.matchAll(/"name": ?"([a-z_]+)",\s*"title"/g), ([, name]) => name));
    expect([...names]).toEqual(['unused_index']);
  });
});
