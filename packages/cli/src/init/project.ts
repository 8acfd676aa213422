/** The app in the current folder: what it depends on, how it installs packages, and where its environment is written down. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, EXIT } from '../io.ts';

/** What `package.json` and the files beside it say. */
export interface Project {
  /** As an agent's name. */
  readonly name: string;
  readonly dependencies: readonly string[];
  /** `npm install`, `pnpm add`, … */
  readonly install: string;
}

const LOCKFILES = {
  'pnpm-lock.yaml': 'pnpm add',
  'yarn.lock': 'yarn add',
  'bun.lock': 'bun add',
  'bun.lockb': 'bun add',
};

/** @throws CliError where there is no package.json, or one that can't be read */
export function projectIn(folder: string): Project {
  const file = join(folder, 'package.json');
  if (!existsSync(file))
    throw new CliError(
      `There is no package.json in ${folder}. Call init in the folder of your app, or make one with npm init first.`,
      EXIT.failed,
      'no_package_json',
    );
  const manifest = read(file);
  const kinds = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'];
  const dependencies = kinds.flatMap((kind) => Object.keys(recordOf(manifest[kind])));
  const lockfile = Object.entries(LOCKFILES).find(([name]) => existsSync(join(folder, name)));
  return { name: agentName(manifest['name']), dependencies, install: lockfile?.[1] ?? 'npm install' };
}

function read(file: string): Record<string, unknown> {
  try {
    return recordOf(JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, '')));
  } catch {
    throw new CliError(`${file} can't be read as JSON.`, EXIT.failed, 'invalid_package_json');
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** The package's name without its scope, as far as it makes a line of an environment file. */
function agentName(name: unknown): string {
  const [, bare = ''] = /^(?:@[^/]*\/)?([\w.-]{1,100})$/.exec(String(name)) ?? [];
  return bare === '' || name === undefined ? 'my-agent' : bare;
}

/** The lines that an app's environment needs. */
export function environmentLines(name: string): readonly string[] {
  return [
    '# AgentKavach. Without a backend, limits hold in each process alone.',
    `AGENTKAVACH_AGENT_NAME=${name}`,
    '# With one, npx agentkavach dev prints both:',
    '# AGENTKAVACH_URL=',
    '# AGENTKAVACH_API_KEY=',
  ];
}

const SHARED = '.env.example';
const OWN = 'agentkavach.env.example';

/** The file that {@link writeLines} would write to: what others keep, if it is there, else one of our own. */
export function environmentFile(folder: string): string {
  return existsSync(join(folder, SHARED)) ? SHARED : OWN;
}

/**
 * Adds the lines at the end of {@link environmentFile}. Nothing that is there changes.
 *
 * @returns false where the file has such lines, or ours is there already
 */
export function writeLines(folder: string, lines: readonly string[]): boolean {
  const file = environmentFile(folder);
  const path = join(folder, file);
  if (existsSync(path)) {
    const text = readFileSync(path, 'utf8');
    if (file === OWN || /^[#\s]*(?:export\s+)?AGENTKAVACH_/m.test(text)) return false;
    const gap = text === '' ? '' : text.endsWith('\n') ? '\n' : '\n\n';
    appendFileSync(path, `${gap}${lines.join('\n')}\n`);
    return true;
  }
  // It may have come into being meanwhile.
  writeFileSync(path, `${lines.join('\n')}\n`, { flag: 'wx' });
  return true;
}
