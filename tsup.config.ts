/** One build for all published packages. What to build is what their package.json offers under `exports` and `bin`. */
import { cpSync, readFileSync } from 'node:fs';
import { defineConfig, type Options } from 'tsup';

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/**
 * @param folder the folder under packages/
 * @param workers sources that no export names, because the package itself starts them; without `.ts`, from src
 */
function published(folder: string, workers: readonly string[] = []): Options {
  const root = `packages/${folder}`;
  const { exports, bin, ...manifest } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as Manifest;
  // dist/providers/index.js comes from src/providers/index.ts.
  const offered = [...JSON.stringify({ exports, bin }).matchAll(/"\.\/dist\/([^"]+)\.js"/g)].map(
    ([, entry = '']) => entry,
  );
  const external = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  return {
    name: folder,
    entry: Object.fromEntries([...offered, ...workers].map((entry) => [entry, `${root}/src/${entry}.ts`])),
    outDir: `${root}/dist`,
    format: JSON.stringify(exports).includes('"require"') ? ['esm', 'cjs'] : ['esm'],
    // tsup would read these from the root's package.json, which has none.
    external: [/^node:/, ...external.map((name) => new RegExp(`^${name}(/|$)`))],
    dts: JSON.stringify(exports).includes('"types"') && {
      // A user without `skipLibCheck` would get TS2307 for the types of each optional package that is not installed.
      banner: '// @ts-nocheck: checked where it was built',
      // tsup's types builder sets `baseUrl`, which TypeScript 6 warns of.
      compilerOptions: { ignoreDeprecations: '6.0' },
    },
    target: 'node22',
    platform: 'neutral',
    // Deno and Workers know Node's modules by their prefix only.
    removeNodeProtocol: false,
    // `import.meta.url` for CommonJS, where a worker is started.
    shims: true,
    clean: true,
    sourcemap: true,
    splitting: true,
    silent: true,
  };
}

/** The SQL that the embedded backend brings along. */
function copySql(): Promise<void> {
  cpSync('supabase/migrations', 'packages/embedded/dist/assets/migrations', { recursive: true });
  cpSync('packages/embedded/sql', 'packages/embedded/dist/assets/baseline', { recursive: true });
  return Promise.resolve();
}

export default defineConfig([
  published('core', ['node/tokenizer-worker']),
  published('vercel-ai'),
  published('langchain'),
  published('mastra'),
  // postgres.js is built in, mended (scripts/patch-postgres.mjs), and knows Node's modules without their prefix.
  { ...published('embedded'), platform: 'node', onSuccess: copySql },
  published('cli'),
]);
