/** Everybody who asks for what is the victim's. */
import { randomUUID } from 'node:crypto';
import { hashKey, makeKey, prefixOf } from '@agentkavach/functions/_shared/keys';
import { signRealtimeToken } from '@agentkavach/functions/_shared/realtime-token';
import { ANON_KEY, type Stage } from './stage.ts';
import { sign, signedByItself, unsigned } from './tokens.ts';

/**
 * Which column of the table of paths tells what a caller is answered. `…Naming`: with the victim in the header x-kavach-org.
 * The last five belong to the victim, but lack rights.
 * `ended`: keys that only the database can refuse, in the words of `refusal`, as those of `refused`.
 */
export const COLUMNS = [
  'nobody', 'refused', 'ended', 'user', 'userNaming', 'key', 'keyNaming', 'homeless', 'homelessNaming',
  'member', 'sdk', 'read', 'control', 'admin',
] as const; // prettier-ignore
export type Column = (typeof COLUMNS)[number];

export interface Caller {
  readonly name: string;
  readonly column: Column;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the columns `refused` and `ended`: the answer wherever credentials are asked for. */
  readonly refusal: string;
}

/** Makes them all. */
export async function callersOf(stage: Stage): Promise<readonly Caller[]> {
  const { victim, rival, admin } = stage;
  const person = async (name: string, org?: string) => {
    const id = randomUUID();
    await admin`insert into auth.users (id, email) values (${id}, ${`${name}@rival.example`})`;
    if (org !== undefined)
      await admin`insert into kavach.members (org_id, user_id, role) values (${org}, ${id}, 'owner')`;
    return { sub: id, email: `${name}@rival.example` };
  };
  const rivalKey = makeKey('dev');
  await admin`
    insert into kavach.api_keys (org_id, name, environment, prefix, hash, scopes)
    values (${rival}, 'all', 'dev', ${prefixOf(rivalKey)}, ${await hashKey(rivalKey)}, '{sdk,read,control,admin}')`;
  const owner = { sub: victim.ownerId, email: victim.ownerEmail };
  const self = { kavach_org: victim.org, kavach_key: randomUUID(), kavach_scopes: ['sdk', 'read', 'control', 'admin'] };
  const topics = { kavach_topics: ['control'] };
  const rivalOwner = await person('owner', rival);
  const former = await person('former');
  const listening = await signRealtimeToken(stage.deps.settings, { organisation: victim.org, now: Date.now() });

  const bearer = (token: string) => `Bearer ${token}`;
  const caller = (column: Column, name: string, authorization?: string, more: Record<string, string> = {}): Caller => ({
    name,
    column,
    headers: { ...(authorization === undefined ? {} : { authorization }), ...more },
    refusal: '',
  });
  const refused = (refusal: string, name: string, authorization: string): Caller => ({
    ...caller('refused', name, authorization, { 'x-kavach-org': victim.org }),
    refusal,
  });
  const ended = (refusal: string, name: string, key: string): Caller => ({
    ...refused(refusal, name, bearer(key)),
    column: 'ended',
  });
  const both = (column: 'user' | 'key' | 'homeless', name: string, authorization: string): Caller[] => [
    caller(column, name, authorization),
    caller(`${column}Naming`, `${name}, naming the victim`, authorization, { 'x-kavach-org': victim.org }),
  ];
  const [INVALID, KEY] = ['401 token_invalid', '401 key_invalid'];
  const wrong = victim.keys.read;
  return [
    caller('nobody', 'nobody'),
    caller('nobody', 'nobody, naming the victim', undefined, { 'x-kavach-org': victim.org }),
    caller('nobody', 'the public key', bearer(ANON_KEY), { apikey: ANON_KEY, 'x-kavach-org': victim.org }),
    ended('401 key_revoked', 'a revoked key', victim.revokedKey),
    ended('401 key_expired', 'a rotated key after its grace', victim.expiredKey),
    refused(KEY, 'a key with a wrong checksum', bearer(wrong.slice(0, -1) + (wrong.endsWith('0') ? '1' : '0'))),
    ended(KEY, 'a key that nobody made', makeKey('dev')),
    refused(KEY, 'a key’s first characters', bearer(prefixOf(wrong))),
    refused(INVALID, 'a key’s hash', bearer(Buffer.from(await hashKey(wrong)).toString('hex'))),
    refused(INVALID, 'a key by another scheme', `Basic ${Buffer.from(`key:${wrong}`).toString('base64')}`),
    refused(INVALID, 'two keys', `Bearer ${wrong} ${wrong}`),
    refused('401 token_expired', 'the owner’s token of yesterday', bearer(await sign(owner, { expires: '-1d' }))),
    refused(INVALID, 'a token signed with another secret', bearer(await sign(owner, { secret: 'x'.repeat(40) }))),
    refused(INVALID, 'a token signed with the public key', bearer(await sign(owner, { secret: ANON_KEY.repeat(2) }))),
    refused(INVALID, 'a token with alg none', bearer(unsigned(owner, 'none'))),
    refused(INVALID, 'a token with alg NONE', bearer(unsigned(owner, 'NONE'))),
    refused(INVALID, 'a token with alg HS256 and no signature', bearer(unsigned(owner, 'HS256'))),
    refused(INVALID, 'a token that brings its own key', bearer(await signedByItself(owner))),
    refused(INVALID, 'a token for another audience', bearer(await sign(owner, { audience: 'other' }))),
    refused(INVALID, 'a token for no audience', bearer(await sign(owner, { audience: null }))),
    refused(INVALID, 'a token without a user', bearer(await sign({ email: victim.ownerEmail }))),
    refused(
      INVALID,
      'a token whose user is no id',
      bearer(await sign({ ...owner, sub: `${victim.ownerId}' or true--` })),
    ),
    refused(INVALID, 'a token of the role anon', bearer(await sign({ ...owner, role: 'anon' }))),
    refused(INVALID, 'a token of the role service_role', bearer(await sign({ ...owner, role: 'service_role' }))),
    refused(INVALID, 'a forged service key', bearer(await sign({ role: 'service_role' }, { secret: 'x'.repeat(40) }))),
    refused(INVALID, 'a token of the role postgres', bearer(await sign({ ...owner, role: 'postgres' }))),
    refused(INVALID, 'the Realtime token of the victim’s SDK', bearer(listening.token)),
    refused(INVALID, 'a Realtime token with an audience and scopes', bearer(await sign({ ...self, ...topics }))),
    ...both('user', 'another organisation’s owner', bearer(await sign(rivalOwner))),
    ...both(
      'user',
      'an owner elsewhere with self-made claims',
      bearer(await sign({ ...rivalOwner, ...self, ...topics })),
    ),
    ...both(
      'user',
      'an owner elsewhere with self-made metadata',
      bearer(
        await sign({ ...rivalOwner, user_metadata: self, app_metadata: { ...self, ...topics, role: 'service_role' } }),
      ),
    ),
    ...both('key', 'another organisation’s key with all scopes', bearer(rivalKey)),
    ...both('homeless', 'somebody without an organisation', bearer(await sign(await person('nowhere')))),
    ...both('homeless', 'a member who left, with self-made claims', bearer(await sign({ ...former, ...self }))),
    caller('member', 'a member', bearer(await sign({ sub: victim.memberId, email: 'canary-member@victim.example' }))),
    ...(['sdk', 'read', 'control', 'admin'] as const).map((scope) =>
      caller(scope, `a key with the scope ${scope} alone`, bearer(victim.keys[scope])),
    ),
  ];
}
