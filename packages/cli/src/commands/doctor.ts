/** `agentkavach doctor`: what is wrong with keys, clock, reachability, versions and prices, and what to do about it. */
import { environmentFault, optionVariables } from '@agentkavach/core';
import { listPrices } from '@agentkavach/core/pricing';
import type { Install } from '@agentkavach/embedded';
import { accessOf, localInstall, namedUrl, variable } from '../access.ts';
import { Api } from '../api.ts';
import { ACCESS, type Arguments } from '../args.ts';
import { CliError, EXIT, type Io } from '../io.ts';
import { didYouMean } from '../nearest.ts';
import { isNewEnough, LEAST_NODE } from '../node-version.ts';
import { disagreeing, type ZonedBudget } from '../time-zones.ts';
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

const PREFIX = 'AGENTKAVACH_';

/** Variables that are no options of a guard. */
const OTHER_VARIABLES = ['AGENTKAVACH_BUFFER_DIR', 'AGENTKAVACH_OPERATOR_KEY'];

async function run(args: Arguments, io: Io): Promise<Result> {
  const install = await localInstall(args, io);
  const key = variable(io, 'AGENTKAVACH_API_KEY');
  const ofBackend = await backend(args, io, key, install);
  const checks = [
    nodeVersion(process.versions.node),
    pricesAge(io.now()),
    variables(io),
    keyShape(key, install !== undefined),
    ...ofBackend,
    ...(ofBackend.some(({ state }) => state === 'error') ? [] : await timeZones(args, io)),
  ];
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
  return isNewEnough(version)
    ? ok('node', version)
    : error('node', `${version} is too old. AgentKavach needs ${LEAST_NODE} or newer.`);
}

function pricesAge(now: number): Check {
  const { date } = listPrices(now);
  const days = Math.floor((now - Date.parse(date)) / 86_400_000);
  return days > OLD_PRICES_DAYS
    ? warning('prices', `of ${date}, ${days} days old. Update @agentkavach/core.`)
    : ok('prices', `of ${date}`);
}

/** A misspelt variable does nothing, and says nothing; one with a wrong value keeps an app from starting. */
function variables(io: Io): Check {
  const known = [...optionVariables(), ...OTHER_VARIABLES];
  const set = Object.keys(io.env).filter((name) => name.startsWith(PREFIX) && variable(io, name) !== undefined);
  const strange = set.filter((name) => !known.includes(name));
  const unread = `${strange.map((name) => notRead(name, known)).join(' ')} There are: ${[...known].sort().join(', ')}.`;
  const fault = environmentFault(io.env);
  if (fault !== undefined)
    return error(
      'variables',
      `An app with this environment does not start: ${fault}${strange.length > 0 ? ` ${unread}` : ''}`,
    );
  if (strange.length > 0) return warning('variables', unread);
  return ok('variables', set.length === 0 ? 'no AGENTKAVACH_… is set' : set.sort().join(', '));
}

/** What all names begin with says nothing of how near two of them are. */
function notRead(name: string, known: readonly string[]): string {
  const rests = known.map((one) => one.slice(PREFIX.length));
  return `Nothing reads ${name}.${didYouMean(name.slice(PREFIX.length), rests, PREFIX) || ' Is it misspelt?'}`;
}

function keyShape(key: string | undefined, isLocal: boolean): Check {
  if (key === undefined) {
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

async function backend(
  args: Arguments,
  io: Io,
  key: string | undefined,
  install: Install | undefined,
): Promise<Check[]> {
  try {
    const url = args.text('data') !== undefined && args.text('url') === undefined ? undefined : namedUrl(args, io);
    const address = url ?? install?.url;
    if (address === undefined)
      return [
        warning(
          'backend',
          'None is named and none runs here: limits are enforced in each process alone. Set AGENTKAVACH_URL, or start one with npx agentkavach dev.',
        ),
      ];
    const local = install?.url === address ? install.keys.sdk : undefined;
    return [
      ...(url === undefined && key !== undefined ? [notNamed(address)] : []),
      ...(await answers(address, io)),
      // A malformed key was found above; asking with it would say the same again.
      ...(key === undefined || KEY.test(key) ? await access(address, key, local, io) : []),
    ];
  } catch (cause) {
    if (!(cause instanceof CliError)) throw cause;
    const hint = cause.exit === EXIT.unreachable ? ' Is it running, and is the address right?' : '';
    return [error('backend', `${cause.message}${hint}`)];
  }
}

/** This command finds the backend of the data folder; an app does not. */
function notNamed(address: string): Check {
  return warning('url', `AGENTKAVACH_URL is not set, so an app does not find ${address}. Set it to that.`);
}

async function answers(url: string, io: Io): Promise<Check[]> {
  const asked = io.now();
  const { serverTime, status } = await new Api({ url, key: '' }, io).ask<{ status: string; serverTime: number }>(
    'GET',
    'status',
  );
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
}

/** Whether the backend knows the app's key, else that of the install. A key that lacks a scope is a key that works. */
async function access(url: string, key: string | undefined, local: string | undefined, io: Io): Promise<Check[]> {
  const asked = key ?? local;
  if (asked === undefined) return [];
  const whose = key === undefined ? 'the key in the data folder' : 'the key';
  try {
    await new Api({ url, key: asked }, io).ask('GET', 'agents?limit=1');
  } catch (cause) {
    if (!(cause instanceof CliError)) throw cause;
    if (cause.code !== 'forbidden') return [error('access', cause.message)];
  }
  return [ok('access', `the backend knows ${whose}`)];
}

/** Nothing where budgets can't be read, and where all count in UTC. */
async function timeZones(args: Arguments, io: Io): Promise<Check[]> {
  let budgets: ZonedBudget[];
  try {
    budgets = await new Api(await accessOf(args, io), io).list<ZonedBudget>('budgets');
  } catch (cause) {
    if (cause instanceof CliError) return [];
    throw cause;
  }
  const zones = new Set(budgets.map(({ timeZone }) => timeZone).filter((zone) => zone !== 'UTC'));
  if (zones.size === 0) return [];
  const wrong = disagreeing(budgets);
  if (wrong.length === 0)
    return [ok('time zones', `the database agrees with Node ${process.versions.node} on ${[...zones].join(', ')}`)];
  const list = wrong.map(({ agent, scope, name, period, timeZone }) =>
    [agent ?? scope, name, period, `in ${timeZone}`].filter((part) => part !== null).join(' '),
  );
  return [
    warning(
      'time zones',
      `The database and Node ${process.versions.node} disagree on when windows begin: ${list.join('; ')}. Shared budgets of such a zone refuse calls, and others do not take up what was spent before. Update whichever has the older time-zone data, or count in UTC.`,
    ),
  ];
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

Says what is wrong with the variables, the key, the clock, the way to the backend, time zones, Node and the age of prices.
Exit code 1 when something is wrong.

  agentkavach doctor`,
  options: ACCESS,
  words: [0, 0],
  run,
};
