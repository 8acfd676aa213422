/**
 * Checks the packages as users get them: packs each published one, reads the tarball with publint and Are the Types Wrong,
 * and loads every entry from it in a plain Node, as ESM and where offered as CommonJS.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join } from 'node:path';
import { arrowsOf } from './import-rules.ts';

// Inside node_modules, so that the frameworks which the packages ask for are found as they would be at a user's.
const SCRATCH = join('node_modules', '.setup', 'packages');

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, unknown>>;
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** The output of a program; on failure its exit code and output as a finding. */
function run(command: string, args: readonly string[], cwd = '.'): { output: string; failure: string[] } {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0) return { output: stdout, failure: [] };
  const said = [stdout, stderr].filter(Boolean).join('\n').trim();
  return { output: stdout, failure: [`${[command, ...args].join(' ')}\n${error?.message ?? said}`] };
}

function checkPackage(folder: string, manifest: Manifest): string[] {
  const { name, exports = {} } = manifest;
  const packed = run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', join('..', '..', SCRATCH)],
    folder,
  );
  if (packed.failure.length > 0) return packed.failure;
  const [tarball] = JSON.parse(packed.output.slice(packed.output.indexOf('['))) as Packed[];
  if (tarball === undefined) return [`${name}: npm pack said nothing.`];

  const home = join(SCRATCH, 'node_modules', name);
  mkdirSync(home, { recursive: true });
  const unpacked = run('tar', ['-xzf', join(SCRATCH, basename(tarball.filename)), '-C', home, '--strip-components=1']);
  if (unpacked.failure.length > 0) return unpacked.failure;

  const tar = join(SCRATCH, basename(tarball.filename));
  const esmOnly = !JSON.stringify(exports).includes('"require"');
  const isProgram = !JSON.stringify(exports).includes('"types"');
  return [
    ...contents(name, tarball, home),
    ...undeclared(manifest, tarball, home),
    ...demanding(manifest, tarball, home),
    ...(name === '@agentkavach/embedded' ? unmended(home) : []),
    ...run('publint', ['run', tar, '--strict']).failure,
    ...(isProgram ? [] : types(tar, esmOnly)),
  ];
}

/** node10 knows no `exports`; the packages ask for Node 22. */
function types(tar: string, esmOnly: boolean): string[] {
  const profile = esmOnly ? 'esm-only' : 'node16';
  return run('attw', [tar, '--profile', profile, '--no-definitely-typed', '--no-emoji', '--format', 'table-flipped'])
    .failure;
}

/** What belongs into the tarball and what does not. */
function contents(name: string, tarball: Packed, home: string): string[] {
  const paths = tarball.files.map(({ path }) => path);
  const missing = ['LICENSE', 'README.md', 'package.json'].filter((path) => !paths.includes(path));
  const strange = paths.filter(
    (path) =>
      !/^(dist\/.+\.(js|cjs|d\.ts|d\.cts|map)|dist\/assets\/.+\.sql|LICENSE|README\.md|package\.json)$/.test(path),
  );
  const leaks = paths
    .filter((path) => /\.d\.c?ts$/.test(path))
    .filter((path) =>
      /(from|import\()\s*['"][^'"]*(\.ts|\/src\/[^'"]*)['"]/.test(readFileSync(join(home, path), 'utf8')),
    );
  return [
    ...missing.map((path) => `${name}: ${path} is missing from the package.`),
    ...strange.map((path) => `${name}: ${path} does not belong into the package.`),
    ...leaks.map((path) => `${name}: ${path} imports a source file, which users do not have.`),
  ];
}

/** What the built code imports and a user would not have: here the workspace has it, so that loading finds no fault. */
function undeclared(manifest: Manifest, tarball: Packed, home: string): string[] {
  const { name, dependencies, optionalDependencies, peerDependencies } = manifest;
  const declared = Object.keys({ [name]: '', ...dependencies, ...optionalDependencies, ...peerDependencies });
  return tarball.files
    .map(({ path }) => path)
    .filter((path) => /\.(js|d\.ts)$/.test(path))
    .flatMap((path) =>
      arrowsOf(readFileSync(join(home, path), 'utf8'))
        .map(({ specifier }) => specifier)
        .filter((specifier) => !specifier.startsWith('.') && !isBuiltin(specifier))
        .filter((specifier) => !declared.some((one) => specifier === one || specifier.startsWith(`${one}/`)))
        .map((specifier) => `${name}: ${path} imports ${specifier}, which is none of its dependencies.`),
    );
}

/** Types that a user's compiler would refuse where an optional package is not installed: TS2307, unless they say not to check them. */
function demanding({ name, peerDependenciesMeta = {} }: Manifest, tarball: Packed, home: string): string[] {
  const optional = Object.keys(peerDependenciesMeta);
  return tarball.files
    .filter(({ path }) => /\.d\.c?ts$/.test(path))
    .map(({ path }) => ({ path, text: readFileSync(join(home, path), 'utf8') }))
    .filter(({ text }) => !text.startsWith('// @ts-nocheck'))
    .filter(({ text }) =>
      arrowsOf(text).some(({ specifier }) =>
        optional.some((one) => specifier === one || specifier.startsWith(`${one}/`)),
      ),
    )
    .map(({ path }) => `${name}: ${path} can't be compiled without optional packages.`);
}

/** postgres.js is built in, and a build from a fresh install without scripts would have it as it came. */
function unmended(home: string): string[] {
  const isMended = readFileSync(join(home, 'dist', 'index.js'), 'utf8').includes('waiting = chunk');
  return isMended
    ? []
    : ['@agentkavach/embedded has postgres.js unmended: node scripts/patch-postgres.mjs, build again.'];
}

/** Loads every entry once by import and once by require, and compares what they export. */
function load({ name, exports = {} }: Manifest): string[] {
  const entries = Object.entries(exports).filter(([, target]) => typeof target !== 'string');
  return entries.flatMap(([entry, target]) => {
    const specifier = JSON.stringify(`${name}${entry.slice(1)}`);
    const print = (module: string) => `console.log(JSON.stringify(Object.keys(${module}).sort()))`;
    const esm = run('node', ['--input-type=module', '-e', print(`await import(${specifier})`)], SCRATCH);
    if (esm.failure.length > 0 || !JSON.stringify(target).includes('"require"')) return esm.failure;
    const cjs = run('node', ['--input-type=commonjs', '-e', print(`require(${specifier})`)], SCRATCH);
    const same = cjs.failure.length > 0 || cjs.output === esm.output;
    return [...cjs.failure, ...(same ? [] : [`${specifier}: import gives ${esm.output}require gives ${cjs.output}`])];
  });
}

/** Makes a guard with a backend, which sets up more than a look at the exports does. Nothing answers there. */
function connect(): string[] {
  const options = `{ budget: Budget.daily(1), url: 'http://127.0.0.1:1', apiKey: 'ak_dev_' + 'a'.repeat(40) }`;
  const use = `const guard = new AgentKavach(${options}); guard.close().then(() => process.exit());`;
  const esm = `import { AgentKavach, Budget } from '@agentkavach/core'; ${use}`;
  const cjs = `const { AgentKavach, Budget } = require('@agentkavach/core'); ${use}`;
  return [
    ...run('node', ['--input-type=module', '-e', esm], SCRATCH).failure,
    ...run('node', ['--input-type=commonjs', '-e', cjs], SCRATCH).failure,
  ];
}

rmSync(SCRATCH, { recursive: true, force: true });
mkdirSync(SCRATCH, { recursive: true });
const published = globSync('packages/*/package.json')
  .map((path) => ({
    folder: path.replace(/.package\.json$/, ''),
    manifest: JSON.parse(readFileSync(path, 'utf8')) as Manifest,
  }))
  .filter(({ manifest }) => manifest.private !== true);
const findings = published.flatMap(({ folder, manifest }) =>
  existsSync(join(folder, 'dist')) ? checkPackage(folder, manifest) : [`${folder}/dist is missing: npm run build.`],
);
if (findings.length === 0) findings.push(...published.flatMap(({ manifest }) => load(manifest)), ...connect());
if (published.length === 0)
  findings.push('No published packages were found: run this from the root of the repository.');
for (const finding of findings) console.error(`${finding}\n`);
console.log(`${String(published.length)} packages checked, ${String(findings.length)} findings.`);
process.exitCode = findings.length > 0 ? 1 : 0;
