import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`./packages/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    // Tests run on the sources, so that a failing line is the line that was written. The built packages have a test of their own.
    alias: [
      { find: /^@agentkavach\/core\/(.+)$/, replacement: source('core/src/$1/index.ts') },
      { find: /^@agentkavach\/(.+)$/, replacement: source('$1/src/index.ts') },
    ],
  },
  test: {
    include: [
      'packages/*/{src,test}/**/*.test.ts',
      'scripts/**/*.test.ts',
      'examples/**/*.test.ts',
      'demo/**/*.test.ts',
    ],
    maxWorkers: 2,
    // What the guard logs on purpose is shown only where a test fails.
    silent: 'passed-only',
    testTimeout: 30_000,
  },
});
