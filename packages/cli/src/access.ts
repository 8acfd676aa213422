/** Which backend a command talks to, and with which key: the environment's, else the one on this machine. */
import { installAt } from '@agentkavach/embedded';
import { resolve } from 'node:path';
import type { Arguments } from './args.ts';
import { CliError, EXIT, type Io } from './io.ts';

/** Where to ask, and as whom. */
export interface Access {
  readonly url: string;
  readonly key: string;
  /** Whether it is the backend that this machine's data folder belongs to. */
  readonly isLocal: boolean;
}

/** The folder that `npx agentkavach dev` keeps its data in. */
export const DATA_FOLDER = '.kavach';

/**
 * The key of an operator goes before the app's: it may do more. Keys are read from the environment only, since other users
 * of the machine see a command line.
 *
 * @throws CliError that says what to set
 */
export function accessOf(args: Arguments, io: Io): Access {
  const { env } = io;
  const url = args.text('url') ?? env['AGENTKAVACH_URL'];
  const key = env['AGENTKAVACH_OPERATOR_KEY'] ?? env['AGENTKAVACH_API_KEY'];
  const isLocal = args.text('data') !== undefined || url === undefined || url === '';
  const folder = resolve(io.cwd, args.text('data') ?? DATA_FOLDER);
  const install = installAt(folder);
  if (isLocal) {
    if (install?.url !== undefined) return { url: install.url, key: install.keys.operator, isLocal: true };
    throw new CliError(
      `No backend was named and none runs from ${folder}. Start one with npx agentkavach dev, or set AGENTKAVACH_URL and AGENTKAVACH_OPERATOR_KEY.`,
      EXIT.unreachable,
      'no_backend',
    );
  }
  if (env['AGENTKAVACH_OPERATOR_KEY'] === undefined && install?.url === url)
    return { url, key: install.keys.operator, isLocal: true };
  if (key === undefined || key === '')
    throw new CliError(
      `AGENTKAVACH_OPERATOR_KEY is not set. Make a key with the scopes read and control in the dashboard, or with npx agentkavach keys create.`,
      EXIT.denied,
      'no_key',
    );
  return { url, key, isLocal: false };
}
