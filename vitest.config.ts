import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { handlersOnDeno } from './supabase/tests/deno/plugin.ts';

const repository = (path: string) => fileURLToPath(new URL(`./${path}`, import.meta.url));

const shared = {
  testTimeout: 30_000,
  // What guards with a key keep on disk goes here, not among the developer's own files.
  env: { AGENTKAVACH_BUFFER_DIR: join(tmpdir(), 'agentkavach-tests') },
} as const;

const backend = [
  'supabase/**/*.test.ts',
  'packages/{embedded,cli}/{src,test}/**/*.test.ts',
  'packages/*/test/backend/**/*.test.ts',
  'demo/**/*.test.ts',
  'chaos/**/*.test.ts',
];

/** One PostgreSQL for the run, one database for each file. */
const onPostgres = {
  ...shared,
  globalSetup: ['packages/embedded/src/testing/global-setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

/** The tests that ask handlers, which once more ask them on Deno: those of the functions, and of what functions have in common. */
const functions = ['supabase/functions/{[!_]*,_operator}/*.test.ts', 'supabase/functions/_shared/sdk-callers.test.ts'];

export default defineConfig({
  resolve: {
    // Tests run on the sources, so that a failing line is the line that was written. The built packages have a test of their own.
    alias: [
      { find: /^@agentkavach\/functions\/(.+)$/, replacement: repository('supabase/functions/$1.ts') },
      { find: /^@agentkavach\/(core|embedded)\/(.+)$/, replacement: repository('packages/$1/src/$2/index.ts') },
      { find: /^@agentkavach\/(.+)$/, replacement: repository('packages/$1/src/index.ts') },
    ],
  },
  test: {
    maxWorkers: 2,
    // What the guard logs on purpose is shown only where a test fails.
    silent: 'passed-only',
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: 'engine',
          include: [
            'packages/*/{src,test}/**/*.test.ts',
            'conformance/**/*.test.ts',
            'scripts/**/*.test.ts',
            'examples/**/*.test.ts',
          ],
          exclude: backend,
        },
      },
      {
        extends: true,
        // The major version before: what npm installs on an older Node, and what many apps stay on.
        resolve: { alias: [{ find: /^openai$/, replacement: 'openai-6' }] },
        test: { ...shared, name: 'openai-6', include: ['packages/core/test/sdk/**/*.test.ts'] },
      },
      { extends: true, test: { ...onPostgres, name: 'backend', include: backend } },
      {
        extends: true,
        plugins: [handlersOnDeno()],
        test: {
          ...onPostgres,
          name: 'deno',
          include: functions,
          setupFiles: ['./supabase/tests/deno/stand-in.ts'],
        },
      },
    ],
  },
});
