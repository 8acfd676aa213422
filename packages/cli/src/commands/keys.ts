/** `agentkavach keys`: makes, lists, rotates and revokes API keys. A key is shown once. */
import { accessOf } from '../access.ts';
import { Api } from '../api.ts';
import { ACCESS, readNumber, type Arguments } from '../args.ts';
import { CliError, EXIT, type Io } from '../io.ts';
import { ago, table } from '../table.ts';
import type { Command, Result } from './command.ts';

interface KeyView {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

type NewKey = KeyView & { readonly key: string };

async function run(args: Arguments, io: Io): Promise<Result> {
  const [verb = 'list', word] = args.words;
  const access = accessOf(args, io);
  const api = new Api(access, io);
  if (verb === 'list' && word === undefined) return list(await api.list<KeyView>('keys'), io);
  if (word === undefined || !['create', 'revoke', 'rotate'].includes(verb))
    throw new CliError(`Unknown: keys ${args.words.join(' ')}.\n\n${command.usage}`, EXIT.usage, 'usage');
  if (verb === 'create') {
    const scopes = args.text('scopes')?.split(',');
    const environment = args.text('environment') ?? (access.isLocal ? 'dev' : 'prod');
    return made(
      await api.ask<NewKey>('POST', 'keys', {
        name: word,
        environment,
        ...(scopes !== undefined && { scopes }),
      }),
    );
  }
  const key = await find(api, word);
  if (verb === 'revoke') {
    await api.ask('DELETE', `keys/${key.id}`);
    return { json: { id: key.id, revoked: true }, lines: [`The key ${key.prefix}… (${key.name}) works no more.`] };
  }
  const grace = args.text('grace-hours');
  const body = grace === undefined ? undefined : { graceHours: readNumber(grace, '--grace-hours', 0, 168) };
  return made(await api.ask<NewKey>('POST', `keys/${key.id}/rotate`, body));
}

function made(key: NewKey): Result {
  return {
    json: key,
    lines: [key.key, '', `Key "${key.name}" (${key.environment}; ${key.scopes.join(', ')}). It is not shown again.`],
  };
}

function list(keys: readonly KeyView[], io: Io): Result {
  const rows = keys.map(({ prefix, name, scopes, lastUsedAt, revokedAt, expiresAt }) => [
    `${prefix}…`,
    name,
    scopes.join(','),
    lastUsedAt === null ? 'never' : ago(lastUsedAt, io.now()),
    revokedAt !== null ? 'revoked' : expiresAt !== null ? `ends ${expiresAt}` : 'valid',
  ]);
  return {
    json: keys,
    lines: keys.length === 0 ? ['No keys.'] : table(['KEY', 'NAME', 'SCOPES', 'USED', 'STATE'], rows),
  };
}

/** A key by its id, its first characters or its name. */
async function find(api: Api, word: string): Promise<KeyView> {
  const keys = (await api.list<KeyView>('keys')).filter(({ revokedAt }) => revokedAt === null);
  const exact = keys.filter(({ id, prefix }) => id === word || prefix === word.replace(/…$/, ''));
  const matching = exact.length > 0 ? exact : keys.filter(({ name }) => name === word);
  const [key] = matching;
  if (key !== undefined && matching.length === 1) return key;
  const what = key === undefined ? 'No valid key' : 'More than one key';
  throw new CliError(
    `${what} is called ${JSON.stringify(word)}. agentkavach keys list shows them.`,
    EXIT.notFound,
    'key_not_found',
  );
}

const command: Command = {
  usage: `Usage: agentkavach keys list | create <name> | rotate <key> | revoke <key> [--json] [--url <url>] [--data <folder>]

  --scopes <list>         create: sdk (default), read, control, admin; separated by commas
  --environment <name>    create: prod or dev (default: dev on this machine, else prod)
  --grace-hours <hours>   rotate: how long the old key still works, 0 to 168 (default 24)

A key is named by its first characters, its name or its id.

  agentkavach keys create billing-service
  agentkavach keys create on-call --scopes read,control
  agentkavach keys rotate billing-service --grace-hours 1`,
  options: {
    ...ACCESS,
    scopes: { type: 'string' },
    environment: { type: 'string' },
    'grace-hours': { type: 'string' },
  },
  words: [0, 2],
  run,
};

export { command as keys };
