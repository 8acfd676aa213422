/**
 * Set-up for every task: installs what package-lock.json says when node_modules does not hold it, and finds the pinned Node
 * and the tools in it. Plain JavaScript without dependencies: on a fresh machine nothing else is there yet.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './child.mjs';
import { patchPostgres } from './patch-postgres.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, 'node_modules');
const STAMPS = join(MODULES, '.setup');
/** The oldest Node that can install and start the tasks. The tasks themselves run on the pinned one. */
const OLDEST_NODE = 20;
/** The oldest Node that the tasks run on, where the pinned one could not be installed. */
const OLDEST_TASK_NODE = [22, 18];

/** A failure whose message is all that the user needs; shown without a stack. */
export class SetupError extends Error {}

export function say(line) {
  process.stdout.write(`${line}\n`);
}

/** Installs where needed, also where npm may run no install scripts. @throws SetupError that says what is missing and what to do */
export async function ensureInstalled() {
  await install();
  patchPostgres();
}

async function install() {
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    throw new SetupError(
      `Node ${process.versions.node} is too old: install Node ${OLDEST_NODE} or newer from https://nodejs.org and run this again.`,
    );
  }
  const lock = join(ROOT, 'package-lock.json');
  if (!existsSync(lock)) throw new SetupError('package-lock.json is missing: get a complete checkout.');
  // The platform is part of it: a node_modules copied from another machine holds that machine's binaries.
  const platform = `${process.platform}-${process.arch}`;
  const wanted = `${platform} ${hashFiles([lock])}`;
  const present = readStamp('install');
  if (present === wanted) return;
  if ((present ?? platform).startsWith(platform) && matchesLockfile(lock)) {
    writeStamp('install', wanted);
    return;
  }
  const packages = Object.keys(JSON.parse(readFileSync(lock, 'utf8')).packages).length;
  say(`${existsSync(MODULES) ? 'Updating' : 'Installing'} ${packages} packages with npm ci (about a minute) …`);
  const before = Date.now();
  const npm = npmCommand();
  const { code, output, interrupted } = await run(
    npm.command,
    [...npm.args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: ROOT, capture: true, shell: npm.shell },
  );
  if (interrupted) throw new SetupError('Interrupted while installing; run it again to start over.');
  if (code !== 0) throw new SetupError(installAdvice(code, output));
  writeStamp('install', wanted);
  say(`Installed in ${Math.round((Date.now() - before) / 1000)} s.`);
}

/** Builds where the sources have changed since the last build. */
export async function ensureBuilt() {
  const wanted = sourceHash();
  const published = workspacePackages().filter(
    ({ manifest }) => manifest.private !== true && manifest.exports !== undefined,
  );
  if (readStamp('build') === wanted && published.every(({ folder }) => existsSync(join(folder, 'dist')))) return;
  say(`Building ${published.map(({ manifest }) => manifest.name).join(', ')} …`);
  const { code, output } = await runTool('tsup', [], { capture: true });
  if (code !== 0) throw new SetupError(`The build failed.\n${output}`);
  markBuilt();
}

/** Remembers what the present dist folders were built from. */
export function markBuilt() {
  writeStamp('build', sourceHash());
}

/** Runs a tool of node_modules on the pinned Node. */
export function runTool(name, args, options = {}) {
  return run(pinnedNode(), [toolScript(name), ...args], { cwd: ROOT, env: toolEnvironment(), ...options });
}

/** Runs a program of this repository on the pinned Node. */
export function runNode(args) {
  return run(pinnedNode(), args, { cwd: ROOT, env: toolEnvironment() });
}

/** The environment in which `node` and the tools are the pinned ones. */
function toolEnvironment() {
  const path = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  return { ...process.env, [path]: [join(MODULES, '.bin'), process.env[path]].filter(Boolean).join(delimiter) };
}

function workspacePackages() {
  const folder = join(ROOT, 'packages');
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => existsSync(join(path, 'package.json')))
    .map((path) => ({ folder: path, manifest: JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) }));
}

function pinnedNode() {
  const pinned = join(MODULES, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(pinned)) return pinned;
  // Machines that forbid install scripts have no pinned Node; their own will do if it is new enough.
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_TASK_NODE[0] || (major === OLDEST_TASK_NODE[0] && minor >= OLDEST_TASK_NODE[1]))
    return process.execPath;
  throw new SetupError(
    `The pinned Node is missing from node_modules, and Node ${process.versions.node} is too old to do without it. Either let npm run ` +
      `install scripts (npm config set ignore-scripts false), delete node_modules and run this again, or install Node ${OLDEST_TASK_NODE.join('.')} or newer.`,
  );
}

const PACKAGE_OF = { tsc: 'typescript', attw: '@arethetypeswrong/cli' };

/** A tool's JavaScript file, so that it runs without the shebang and the .cmd wrappers. */
function toolScript(name) {
  const folder = join(MODULES, PACKAGE_OF[name] ?? name);
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) throw new SetupError(`${name} is not installed: delete node_modules and run this again.`);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[name]);
}

function npmCommand() {
  // npm names its own file to the scripts that it runs; another package manager would name itself.
  const running = process.env['npm_execpath'];
  if (running !== undefined && basename(running) === 'npm-cli.js' && existsSync(running)) {
    return { command: process.execPath, args: [running], shell: false };
  }
  return { command: 'npm', args: [], shell: process.platform === 'win32' };
}

function installAdvice(code, output) {
  if (code === 127)
    return 'npm was not found. It comes with Node: install Node from https://nodejs.org and run this again.';
  // Hosts of a company's own registry have no place in a public log.
  const shown = output.replace(/https?:\/\/[^\s/'"]+/g, '<registry>').trim();
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT/.test(output)) {
    return `${shown}\n\nThe packages could not be downloaded: no way to the npm registry. Check the network and the proxy settings, then run this again.`;
  }
  if (/EUSAGE|can only install packages when/.test(output)) {
    const differences = shown.split('\n').filter((line) => /Missing:|Invalid:/.test(line));
    return [
      ...differences,
      'package.json and package-lock.json disagree: run npm install, and commit the lockfile.',
    ].join('\n');
  }
  return `${shown}\n\nnpm ci failed (exit code ${code}). The lines above are its own.`;
}

/** Whether somebody else, npm install for example, has already put in place what the lockfile says. */
function matchesLockfile(lock) {
  const installed = join(MODULES, '.package-lock.json');
  if (!existsSync(installed)) return false;
  const has = JSON.parse(readFileSync(installed, 'utf8')).packages;
  const wants = Object.entries(JSON.parse(readFileSync(lock, 'utf8')).packages);
  return wants.every(
    ([path, { version, link, optional, devOptional, peer }]) =>
      !path.includes('node_modules/') || link || optional || devOptional || peer || has[path]?.version === version,
  );
}

function sourceHash() {
  const sources = workspacePackages().flatMap(({ folder }) => [
    join(folder, 'package.json'),
    ...filesUnder(join(folder, 'src')),
  ]);
  return hashFiles(
    ['package-lock.json', 'tsconfig.json', 'tsup.config.ts'].map((name) => join(ROOT, name)).concat(sources),
  );
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesUnder(join(folder, entry.name)) : [join(folder, entry.name)]));
}

function hashFiles(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(path.slice(ROOT.length)).update('\0').update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

function readStamp(name) {
  const path = join(STAMPS, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function writeStamp(name, value) {
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(join(STAMPS, name), value);
}
