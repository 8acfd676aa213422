/**
 * Hygiene of what is committed: a lockfile that installs from anybody's registry, and no text that only one machine
 * understands. Prints each finding with file and line.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';

interface Rule {
  readonly pattern: RegExp;
  readonly advice: string;
  /** Files that the rule leaves alone. */
  readonly except?: RegExp;
}

// Written so that no pattern matches its own source.
const RULES: readonly Rule[] = [
  { pattern: /(\.\.\/)+shared\//, advice: 'a folder outside the repository', except: /^packages\/shared\// },
  { pattern: /(?<![\w.])\/(home|root|Users|w[o]rk)\/\w/, advice: 'a path of one machine' },
  { pattern: /(?<![\w.])\/t[m]p\/\w/, advice: 'a path of one machine; ask os.tmpdir() instead' },
  {
    pattern: /registry[.]npm|r[e]gistry\.yarn|artif[a]ctory/,
    advice: 'the host of a registry: npm reads it from the user’s own configuration',
  },
  { pattern: /\bsk-[A-Za-z0-9]{32,}|\bghp_[A-Za-z0-9]{30,}|-----BEGIN [A-Z ]*PRIVATE K[E]Y/, advice: 'a secret' },
  { pattern: /^(<{7}|>{7}) /, advice: 'a mark of an unfinished merge' },
];

function committedFiles(): string[] {
  try {
    const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')
      .filter(Boolean);
  } catch {
    // A checkout without git, from an archive for example.
    return globSync('{*,.ci/*,.github/**,packages/**,scripts/**,docs/**,demo/**,bench/**,examples/**}', {
      exclude: (path) => /(^|\/)(node_modules|dist)$/.test(path),
    });
  }
}

function findingsIn(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  if (text.includes('\0')) return [];
  return text
    .split('\n')
    .flatMap((line, at) =>
      RULES.filter(({ pattern, except }) => pattern.test(line) && !except?.test(path)).map(
        ({ pattern, advice }) => `${path}:${String(at + 1)}: ${advice}: ${pattern.exec(line)?.[0] ?? ''}`,
      ),
    );
}

interface Locked {
  readonly resolved?: string;
  readonly link?: boolean;
  readonly integrity?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

// Builds of development tools for other platforms, written by hand: a registry may lack them, and their hashes with them.
const UNVERIFIED = /^node_modules\/@(deno\/|supabase\/cli-)/;

function lockfileFindings(): string[] {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Readonly<Record<string, Locked>>;
  };
  return Object.entries(packages).flatMap(([path, { resolved, link, integrity, optionalDependencies }]) => {
    if (link || !path.includes('node_modules/')) return [];
    const absent = Object.keys(optionalDependencies ?? {}).filter((name) => !isLocked(name, path, packages));
    return [
      ...(resolved === undefined
        ? []
        : [`${path} has "resolved", which .npmrc switches off: run npm install again without overriding it.`]),
      ...(integrity === undefined && !UNVERIFIED.test(path) ? [`${path} has no "integrity".`] : []),
      // npm writes such a lockfile where a registry lacks a platform's build, and then npm ci refuses it everywhere.
      ...absent.map(
        (name) =>
          `${path} wants ${name} on some platform, and the lockfile lacks it. Pin a complete version in "overrides".`,
      ),
    ].map((finding) => `package-lock.json: ${finding}`);
  });
}

/** Whether `name` is found from `path`, the way Node looks it up. */
function isLocked(name: string, path: string, packages: Readonly<Record<string, Locked>>): boolean {
  const parts = path.split('/node_modules/');
  const homes = ['', ...parts.map((_, at) => `${parts.slice(0, at + 1).join('/node_modules/')}/`)];
  return homes.some((home) => `${home}node_modules/${name}` in packages);
}

const files = committedFiles().filter((path) => existsSync(path) && statSync(path).isFile());
const findings = [...lockfileFindings(), ...files.flatMap(findingsIn)];
if (files.length === 0) findings.push('No files were found: run this from the root of the repository.');
for (const finding of findings) console.error(finding);
console.log(`${String(files.length)} files read, ${String(findings.length)} findings.`);
process.exitCode = findings.length > 0 ? 1 : 0;
