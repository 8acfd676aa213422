/** The functions in this repository: which there are, what their import map should be, and which files they need. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { arrowsOf } from '../../../scripts/import-rules.ts';

/** The repository's root, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FUNCTIONS = 'supabase/functions';

/** Entries of core that functions may import: pure, and loaded as sources. */
const CORE = ['pricing', 'wire'];
/** Packages from npm, in the versions that were tested. */
const PACKAGES = ['hono', 'jose', 'postgres', 'stripe', 'zod'];

/** The names of all functions: folders, but those that begin with an underscore. */
export function functionNames(): string[] {
  return readdirSync(`${ROOT}${FUNCTIONS}`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
    .map(({ name }) => name)
    .sort();
}

/** The one `deno.json` of all functions, with exact versions from the lockfile. */
export function configTemplate(): { readonly imports: Readonly<Record<string, string>> } {
  const { packages } = JSON.parse(readFileSync(`${ROOT}package-lock.json`, 'utf8')) as {
    packages: Record<string, { version?: string } | undefined>;
  };
  const imports: Record<string, string> = {};
  for (const entry of CORE) imports[`@agentkavach/core/${entry}`] = `../../../packages/core/src/${entry}/index.ts`;
  for (const name of PACKAGES) {
    const version = packages[`node_modules/${name}`]?.version;
    if (version === undefined) throw new Error(`package-lock.json has no ${name}.`);
    imports[name] = `npm:${name}@${version}`;
    if (name === 'hono') imports['hono/'] = `npm:/${name}@${version}/`;
  }
  return { imports };
}

/**
 * All files that a function needs, as paths from the root: its `deno.json`, its `index.ts`, and whatever these import by a
 * path or through the map, types included. The map's own files count as imported: the CLI uploads them in any case.
 */
export function closureOf(name: string): string[] {
  const folder = `${FUNCTIONS}/${name}`;
  const { imports } = configTemplate();
  const mapped = new Map(
    Object.entries(imports)
      .filter(([, target]) => target.startsWith('.'))
      .map(([specifier, target]) => [specifier, posix.join(folder, target)]),
  );
  const found = new Set<string>();
  const waiting = [posix.join(folder, 'index.ts'), ...mapped.values()];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    if (!existsSync(`${ROOT}${path}`)) throw new Error(`${path} is imported, but does not exist.`);
    for (const specifier of importsOf(path)) {
      const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : mapped.get(specifier);
      if (target !== undefined) waiting.push(target);
      else if (!isProvided(specifier, imports)) throw new Error(`${path}: '${specifier}' is in no import map.`);
    }
  }
  return [...found, `${folder}/deno.json`].sort();
}

/** Functions share most of their files, and one of these is a catalog of a hundred kilobytes. */
const known = new Map<string, readonly string[]>();

function importsOf(path: string): readonly string[] {
  let imports = known.get(path);
  if (imports === undefined) {
    imports = arrowsOf(readFileSync(`${ROOT}${path}`, 'utf8')).map(({ specifier }) => specifier);
    known.set(path, imports);
  }
  return imports;
}

/** Whether the map or the runtime has it. */
function isProvided(specifier: string, imports: Readonly<Record<string, string>>): boolean {
  if (specifier.startsWith('node:') || Object.hasOwn(imports, specifier)) return true;
  return Object.keys(imports).some((key) => key.endsWith('/') && specifier.startsWith(key));
}
