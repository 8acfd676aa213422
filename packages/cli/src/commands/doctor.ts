/** `agentkavach doctor`: what is wrong with keys, clock, reachability, versions and prices, and what to do about it. */
import { listPrices } from '@agentkavach/core/pricing';
import { installAt } from '@agentkavach/embedded';
import { resolve } from 'node:path';
import { DATA_FOLDER } from '../access.ts';
import { Api } from '../api.ts';
import { ACCESS, type Arguments } from '../args.ts';
import { CliError, EXIT, type Io } from '../io.ts';
import { VERSION } from '../version.ts';
import type { Command, Result } from './command.ts';

/** One finding. */
interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'error';
  readonly message: string;
}

const KEY = /^ak_(prod|dev)_[A-Za-z0-9]{32,64}$/;
const SKEW_MS = 60_000;
const OLD_PRICES_DAYS = 60;
const LEAST_NODE = [22, 13] as const;

async function run(args: Arguments, io: Io): Promise<Result> {
  const checks: Check[] = [nodeVersion(process.versions.node), pricesAge(io.now())];
  const install = installAt(resolve(io.cwd, args.text('data') ?? DATA_FOLDER));
  const url = args.text('url') ?? io.env['AGENTKAVACH_URL'] ?? install?.url;
  const key = io.env['AGENTKAVACH_API_KEY'];
  checks.push(keyShape(key, install !== undefined));
  if (url === undefined || url === '') {
    checks.push(
      warning(
        'backend',
        'No backend is named: limits are enforced in each process alone. Set AGENTKAVACH_URL, or start one with npx agentkavach dev.',
      ),
    );
  } else {
    checks.push(...(await backend(url, io)));
    const app = key !== undefined && KEY.test(key) ? key : install?.url === url ? install.keys.sdk : undefined;
    if (app !== undefined && checks.every(({ name, state }) => name !== 'backend' || state === 'ok'))
      checks.push(await keyWorks(url, app, io));
  }
  const isSound = checks.every(({ state }) => state !== 'error');
  const sign = { ok: '✓', warning: '!', error: '✗' } as const;
  return {
    json: { version: VERSION, ok: isSound, checks },
    lines: [
      `agentkavach ${VERSION}`,
      ...checks.map(({ name, state, message }) => `${sign[state]} ${name}: ${message}`),
    ],
    exit: isSound ? EXIT.ok : EXIT.failed,
  };
}

function nodeVersion(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNewEnough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  return isNewEnough
    ? ok('node', `Node ${version}`)
    : error('node', `Node ${version} is too old. AgentKavach needs ${LEAST_NODE.join('.')} or newer.`);
}

function pricesAge(now: number): Check {
  const { date } = listPrices(now);
  const days = Math.floor((now - Date.parse(date)) / 86_400_000);
  return days > OLD_PRICES_DAYS
    ? warning('prices', `The model prices are of ${date}, ${days} days old. Update @agentkavach/core.`)
    : ok('prices', `of ${date}`);
}

function keyShape(key: string | undefined, isLocal: boolean): Check {
  if (key === undefined || key === '') {
    const hint = isLocal ? 'npx agentkavach dev prints one.' : 'Make one with npx agentkavach keys create.';
    return warning(
      'key',
      `AGENTKAVACH_API_KEY is not set: an app with this environment enforces its limits alone. ${hint}`,
    );
  }
  if (KEY.test(key)) return ok('key', `${key.slice(0, 12)}…`);
  return error(
    'key',
    'AGENTKAVACH_API_KEY is malformed: it must be ak_prod_ or ak_dev_ and 32 to 64 letters or digits. With it, the guard is OFF. Copy it again.',
  );
}

async function backend(url: string, io: Io): Promise<Check[]> {
  const asked = io.now();
  try {
    const api = new Api({ url, key: '', isLocal: false }, io);
    const { serverTime, status } = await api.ask<{ status: string; serverTime: number }>('GET', 'status');
    const took = io.now() - asked;
    const skew = serverTime - (asked + took / 2);
    return [
      status === 'ok' ? ok('backend', `${url} answers in ${took} ms`) : error('backend', `${url} says ${status}`),
      Math.abs(skew) > SKEW_MS + took
        ? warning(
            'clock',
            `This machine's clock is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'behind' : 'ahead of'} the backend's. Budgets follow the backend's; set the clock right.`,
          )
        : ok('clock', 'agrees with the backend'),
    ];
  } catch (cause) {
    if (cause instanceof CliError) return [error('backend', cause.message)];
    throw cause;
  }
}

/** A key that lacks a scope is a key that works. */
async function keyWorks(url: string, key: string, io: Io): Promise<Check> {
  try {
    await new Api({ url, key, isLocal: false }, io).ask('GET', 'agents?limit=1');
    return ok('access', 'the backend knows the key');
  } catch (cause) {
    if (!(cause instanceof CliError)) throw cause;
    return cause.code === 'forbidden' ? ok('access', 'the backend knows the key') : error('access', cause.message);
  }
}

function ok(name: string, message: string): Check {
  return { name, state: 'ok', message };
}

function warning(name: string, message: string): Check {
  return { name, state: 'warning', message };
}

function error(name: string, message: string): Check {
  return { name, state: 'error', message };
}

/** The command. */
export const doctor: Command = {
  usage: `Usage: agentkavach doctor [--json] [--url <url>] [--data <folder>]

Says what is wrong with the key, the clock, the way to the backend, versions and the age of prices.
Exit code 1 when something is wrong.

  agentkavach doctor`,
  options: ACCESS,
  words: [0, 0],
  run,
};
