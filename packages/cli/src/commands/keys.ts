/** `agentkavach keys`: makes, lists, rotates and revokes API keys. A key is shown once. */
import { accessOf } from '../access.ts';
import { Api } from '../api.ts';
import { ACCESS, readChoice, readNumber, type Arguments } from '../args.ts';
import { CliError, EXIT, type Io } from '../io.ts';
import { didYouMean } from '../nearest.ts';
import { ago, minute, table } from '../table.ts';
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

const VERBS = ['list', 'create', 'rotate', 'revoke'] as const;
const SCOPES = ['sdk', 'read', 'control', 'admin'] as const;

async function run(args: Arguments, io: Io): Promise<Result> {
  const [given = 'list', word] = args.words;
  const verb = VERBS.find((one) => one === given);
  if (verb === undefined) throw wrong(`Unknown: keys ${given}`, didYouMean(given, VERBS));
  if (verb === 'list' ? word !== undefined : word === undefined)
    throw wrong(verb === 'list' ? 'keys list takes no further word' : `keys ${verb} needs a name`);
  refuseStrayOptions(args, verb);
  const name = word ?? '';
  if (verb === 'create') return create(name, args, io);
  const grace = readNumber(args.text('grace-hours') ?? '24', '--grace-hours', 0, 168);
  const api = new Api(await accessOf(args, io), io);
  const keys = await api.list<KeyView>('keys');
  if (verb === 'list') return list(keys, io);
  const key = pick(keys, name, io.now());
  if (verb === 'revoke') {
    await api.ask('DELETE', `keys/${key.id}`);
    return { json: { id: key.id, revoked: true }, lines: [`The key ${key.prefix}… (${key.name}) works no more.`] };
  }
  const fresh = await api.ask<NewKey>('POST', `keys/${key.id}/rotate`, { graceHours: grace });
  const old = `The old one (${key.prefix}…) ${grace === 0 ? 'works no more' : `works for ${grace} h more`}.`;
  return { json: fresh, lines: [...shown(fresh), old] };
}

async function create(name: string, args: Arguments, io: Io): Promise<Result> {
  const scopes = args
    .text('scopes')
    ?.split(',')
    .map((scope) => readChoice(scope.trim(), '--scopes', SCOPES));
  const environment = readChoice(args.text('environment') ?? 'prod', '--environment', ['prod', 'dev']);
  const access = await accessOf(args, io);
  const key = await new Api(access, io).ask<NewKey>('POST', 'keys', {
    name,
    environment: args.text('environment') === undefined && access.isLocal ? 'dev' : environment,
    ...(scopes !== undefined && { scopes }),
  });
  return { json: key, lines: shown(key) };
}

function shown(key: NewKey): string[] {
  return [key.key, '', `Key "${key.name}" (${key.environment}; ${key.scopes.join(', ')}). It is not shown again.`];
}

function list(keys: readonly KeyView[], io: Io): Result {
  const rows = keys.map((key) => [
    `${key.prefix}…`,
    key.name,
    key.scopes.join(','),
    key.lastUsedAt === null ? 'never' : ago(key.lastUsedAt, io.now()),
    stateOf(key, io.now()),
  ]);
  return {
    json: keys,
    lines: keys.length === 0 ? ['No keys.'] : table(['KEY', 'NAME', 'SCOPES', 'USED', 'STATE'], rows),
  };
}

function stateOf({ revokedAt, expiresAt }: KeyView, now: number): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'valid';
  return Date.parse(expiresAt) <= now ? 'ended' : `ends ${minute(expiresAt)}`;
}

/** A key by its id, its first characters or its name. */
function pick(keys: readonly KeyView[], word: string, now: number): KeyView {
  const start = word.replace(/…$/, '');
  const valid = keys.filter((key) => !['revoked', 'ended'].includes(stateOf(key, now)));
  // Whoever revokes a key that has leaked may have all of it at hand.
  const exact = valid.filter(({ id, prefix }) => id === word || start.startsWith(prefix));
  const matching = exact.length > 0 ? exact : valid.filter(({ name }) => name === word);
  const [key] = matching;
  if (key === undefined) {
    const known = isKeyLike(start) ? 'begins so' : `is called ${JSON.stringify(word)}`;
    throw new CliError(`No valid key ${known}. agentkavach keys list shows them.`, EXIT.notFound, 'key_not_found');
  }
  if (matching.length === 1) return key;
  const prefixes = matching.map(({ prefix }) => `${prefix}…`).join(', ');
  throw new CliError(
    `${matching.length} valid keys are called ${JSON.stringify(word)}: ${prefixes}. Name one by its first characters.`,
    EXIT.usage,
    'key_ambiguous',
  );
}

function isKeyLike(word: string): boolean {
  return word.startsWith('ak_');
}

/** An option of another verb was meant to do something. */
function refuseStrayOptions(args: Arguments, verb: (typeof VERBS)[number]): void {
  const owners = { scopes: 'create', environment: 'create', 'grace-hours': 'rotate' } as const;
  for (const [option, owner] of Object.entries(owners))
    if (owner !== verb && args.text(option) !== undefined) throw wrong(`--${option} is for keys ${owner}`);
}

function wrong(what: string, hint = ''): CliError {
  return new CliError(`${what}.${hint}\n\n${command.usage}`, EXIT.usage, 'usage');
}

const command: Command = {
  usage: `Usage: agentkavach keys list | create <name> | rotate <key> | revoke <key> [--json] [--url <url>] [--data <folder>]

  --scopes <list>         create: sdk (default), read, control, admin; separated by commas
  --environment <name>    create: prod or dev (default: dev on this machine, else prod)
  --grace-hours <hours>   rotate: how long the old key still works, 0 to 168 (default 24)

A key is named by its first characters (as list shows them), its name or its id. A key can only make keys with scopes
that it has itself, and keys for apps (sdk).

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
