/** The real Supabase CLI on a database of the test run. It works without a network and without Docker. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createDatabase } from '@agentkavach/embedded/testing';
import { afterAll, beforeAll } from 'vitest';

/** The repository's root, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const PROGRAM = join(dirname(createRequire(import.meta.url).resolve('supabase/package.json')), 'dist/supabase.js');

/** What the CLI said. */
export interface Said {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** Runs it with these arguments. */
export type Supabase = (...args: string[]) => Promise<Said>;

/** Makes a database and a copy of the project for the tests of a file; `remote` names the database for the CLI. */
export function supabase(): { readonly run: Supabase; readonly remote: () => string } {
  let folder: string;
  let url: string;
  beforeAll(async () => {
    // The CLI writes beside what it reads.
    folder = mkdtempSync(join(tmpdir(), 'kavach-supabase-'));
    for (const path of ['supabase/config.toml', 'supabase/templates'])
      cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    const database = await createDatabase();
    url = database.url;
    return () => database.drop();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    remote: () => `--remote=${url}?sslmode=disable`,
    run: async (...args) => {
      const env = { PATH: process.env['PATH'], HOME: folder, DO_NOT_TRACK: '1' };
      const ended = promisify(execFile)(process.execPath, [PROGRAM, ...args, '--agent', 'no'], {
        ...{ cwd: folder, env, timeout: 50_000, maxBuffer: 10_000_000 },
      });
      return ended.then(
        ({ stdout, stderr }) => ({ exit: 0, out: stdout, err: stderr }),
        (cause: unknown) => {
          const error = cause as { code?: unknown; stdout: string; stderr: string };
          if (typeof error.code !== 'number') throw cause;
          return { exit: error.code, out: error.stdout, err: error.stderr };
        },
      );
    },
  };
}
