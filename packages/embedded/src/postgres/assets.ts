/** Where the SQL lies: in the repository while this runs from source, beside the built code in the published package. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of SQL. */
export interface SqlFile {
  readonly name: string;
  readonly sql: string;
}

/** The folders of SQL, by what they hold: built beside the code, or in the repository from this package's folder. */
const FOLDERS = {
  baseline: { built: 'assets/baseline', source: 'sql' },
  migrations: { built: 'assets/migrations', source: '../../supabase/migrations' },
} as const;

/**
 * A folder of SQL that comes with this package.
 *
 * @param from the URL of the module that asks; for tests
 */
export function assetFolder(kind: keyof typeof FOLDERS, from: string = import.meta.url): string {
  const { built, source } = FOLDERS[kind];
  for (let folder = dirname(fileURLToPath(from)); ; folder = dirname(folder)) {
    const beside = join(folder, built);
    if (existsSync(beside)) return beside;
    // The package's own folder ends the search: what lies above it belongs to others.
    if (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) continue;
    const inRepository = join(folder, source);
    if (existsSync(inRepository)) return inRepository;
    throw new Error(`The ${kind} of @agentkavach/embedded: there is no such folder. Install the package again.`);
  }
}

/** The .sql files of a folder, by name. */
export function sqlFiles(folder: string): SqlFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => ({ name, sql: readFileSync(join(folder, name), 'utf8') }));
}
