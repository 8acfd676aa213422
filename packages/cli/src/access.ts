/** Which backend a command talks to, and with which key: the environment's, else the one on this machine. */
import type { Install } from '@agentkavach/embedded';
import { resolve } from 'node:path';
import type { Arguments } from './args.ts';
import { backendUrl } from './backend-url.ts';
import { CliError, EXIT, type Io } from './io.ts';

/** Where to ask, and as whom. */
export interface Access {
  readonly url: string;
  readonly key: string;
  /** Whether it is the backend that this machine's data folder belongs to. */
  readonly isLocal: boolean;
  /** The key is the app's, for want of an operator's. */
  readonly isAppKey?: boolean | undefined;
}

/** The folder that `npx agentkavach dev` keeps its data in. */
export const DATA_FOLDER = '.kavach';

/** A variable; `undefined` where it is set to nothing, as everywhere in AgentKavach. */
export function variable(io: Io, name: string): string | undefined {
  const value = io.env[name];
  return value === '' ? undefined : value;
}

/** The backend that was named with `--url` or in the environment, if one was. @throws CliError where it is no address */
export function namedUrl(args: Arguments, io: Io): string | undefined {
  const option = args.text('url');
  if (option !== undefined) return backendUrl(option, '--url');
  const url = variable(io, 'AGENTKAVACH_URL');
  return url === undefined ? undefined : backendUrl(url, 'AGENTKAVACH_URL');
}

/**
 * The key of an operator goes before the app's: it may do more. Keys are read from the environment only, since other users
 * of the machine see a command line.
 *
 * @throws CliError that says what to set
 */
export async function accessOf(args: Arguments, io: Io): Promise<Access> {
  const isFolderNamed = args.text('data') !== undefined && args.text('url') === undefined;
  const url = isFolderNamed ? undefined : namedUrl(args, io);
  const operatorKey = variable(io, 'AGENTKAVACH_OPERATOR_KEY');
  if (url === undefined) {
    const install = await localInstall(args, io);
    if (install?.url !== undefined) return { url: install.url, key: install.keys.operator, isLocal: true };
    throw new CliError(
      `No backend was named and none runs from ${dataFolder(args, io)}. Start one with npx agentkavach dev, or set AGENTKAVACH_URL and AGENTKAVACH_OPERATOR_KEY.`,
      EXIT.unreachable,
      'no_backend',
    );
  }
  if (operatorKey !== undefined) return { url, key: operatorKey, isLocal: false };
  const install = await localInstall(args, io);
  if (install?.url === url) return { url, key: install.keys.operator, isLocal: true };
  const key = variable(io, 'AGENTKAVACH_API_KEY');
  if (key === undefined)
    throw new CliError(
      'AGENTKAVACH_OPERATOR_KEY is not set. Set it to a key with the scopes read and control; whoever has an admin key makes one with npx agentkavach keys create on-call --scopes read,control.',
      EXIT.denied,
      'no_key',
    );
  return { url, key, isLocal: false, isAppKey: true };
}

/** The folder that `--data` names, else the one below where the command was called. */
export function dataFolder(args: Arguments, io: Io): string {
  return resolve(io.cwd, args.text('data') ?? DATA_FOLDER);
}

/** The backend of the data folder, if there is one. Its package is large, and loaded only where it is asked. */
export async function localInstall(args: Arguments, io: Io): Promise<Install | undefined> {
  const { installAt } = await import('@agentkavach/embedded');
  return installAt(dataFolder(args, io));
}
