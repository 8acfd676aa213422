/** `agentkavach dev`: the whole backend on this machine, until Ctrl-C. */
import { DataFolderInUseError, installAt, removeInstall, startStack, type Stack } from '@agentkavach/embedded';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DATA_FOLDER } from '../access.ts';
import { readNumber, type Arguments } from '../args.ts';
import { CliError, EXIT, type Io } from '../io.ts';
import type { Command } from './command.ts';

/** Where it listens unless told otherwise; any free port where this one is taken. */
const DEFAULT_PORT = 54_330;

async function run(args: Arguments, io: Io): Promise<undefined> {
  const dataDir = resolve(io.cwd, args.text('data') ?? DATA_FOLDER);
  const wanted = args.text('port');
  const port = wanted === undefined ? DEFAULT_PORT : readNumber(wanted, '--port', 1, 65_535);
  if (args.flag('reset')) {
    if (removeInstall(dataDir)) io.err(`Removed ${dataDir}.`);
  }
  const isNew = installAt(dataDir) === undefined;
  const began = io.now();
  const isJson = args.flag('json');
  const log = (line: string): void => (isJson ? io.err(line) : io.out(line));
  const stack = await start(dataDir, port, wanted === undefined, log, io.signal);
  try {
    // What is kept here are secrets and data; nobody means to commit them.
    writeFileSync(join(dataDir, '.gitignore'), '*\n');
    const { url, keys, databaseUrl, anonKey } = stack;
    if (isJson) io.out(JSON.stringify({ url, keys, databaseUrl, anonKey, dataDir, startedInMs: io.now() - began }));
    else for (const line of banner(stack, dataDir, isNew, io.now() - began)) io.out(line);
    if (!io.signal.aborted) await once(io.signal, 'abort');
    if (!isJson) io.out('\nStopping …');
  } finally {
    await stack.stop();
  }
  return undefined;
}

async function start(
  dataDir: string,
  port: number,
  mayMove: boolean,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Stack> {
  try {
    return await startStack({ dataDir, port, log, signal });
  } catch (error) {
    if (error instanceof DataFolderInUseError) throw new CliError(error.message, EXIT.failed, 'data_folder_in_use');
    const { cause } = error as Error;
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE')) throw error;
    if (!mayMove)
      throw new CliError(
        `Port ${port} is taken by another program. Choose another with --port.`,
        EXIT.failed,
        'port_in_use',
      );
    log(`Port ${port} is taken, so another one is used. Name one with --port to keep it.`);
    return startStack({ dataDir, log, signal });
  }
}

function banner({ url, keys, databaseUrl }: Stack, dataDir: string, isNew: boolean, ms: number): string[] {
  return [
    '',
    `AgentKavach is running (${isNew ? 'first start, ' : ''}${(ms / 1000).toFixed(1)} s)`,
    '',
    `  URL           ${url}`,
    `  SDK key       ${keys.sdk}`,
    `  Operator key  ${keys.operator}`,
    `  Outbox        ${url}/outbox`,
    `  Database      ${databaseUrl}`,
    `  Data          ${dataDir}`,
    '',
    'For your app:',
    '',
    `  export AGENTKAVACH_URL=${url}`,
    `  export AGENTKAVACH_API_KEY=${keys.sdk}`,
    '  export AGENTKAVACH_AGENT_NAME=my-agent',
    '',
    'In another terminal: npx agentkavach status | tail | kill <agent> | budget set <agent> daily 50',
    'Ctrl-C stops it; the data stay.',
  ];
}

/** The command. */
export const dev: Command = {
  usage: `Usage: agentkavach dev [--port <port>] [--data <folder>] [--reset] [--json]

Runs the backend on this machine: PostgreSQL, auth, realtime and functions on one port, for this machine only.

  --port <port>    default ${DEFAULT_PORT}, or any free one where that is taken
  --data <folder>  keeps the data between starts; default ${DATA_FOLDER}
  --reset          removes the data first

  agentkavach dev
  agentkavach dev --port 54330 --data ~/.agentkavach/dev`,
  options: { port: { type: 'string' }, data: { type: 'string' }, reset: { type: 'boolean' } },
  words: [0, 0],
  run,
};
