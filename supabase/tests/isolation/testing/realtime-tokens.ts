/** The tokens that join Realtime's topics: those that may listen, and everybody else's. */
import { randomUUID } from 'node:crypto';
import { signRealtimeToken } from '@agentkavach/functions/_shared/realtime-token';
import type { Stage } from './stage.ts';
import { sign, signedByItself, unsigned } from './tokens.ts';

/** Stands for the role anon. */
export const PUBLISHABLE = 'sb_publishable_of_the_tests';

export interface RealtimeTokens {
  /** By name; `null`: none. */
  readonly strangers: ReadonlyMap<string, string | null>;
  /** The strangers whose tokens are not even read. */
  readonly unreadable: readonly string[];
  /** They may hear the victim's control topic, and nothing else. */
  readonly listeners: ReadonlyMap<string, string>;
}

export async function realtimeTokensOf({ admin, deps, rival, victim }: Stage): Promise<RealtimeTokens> {
  const owner = { sub: victim.ownerId };
  const self = { kavach_org: victim.org, kavach_topics: ['control'], kavach_scopes: ['read'] };
  const another = { secret: 'x'.repeat(40) };
  const grant = async (organisation: string) =>
    (await signRealtimeToken(deps.settings, { organisation, now: Date.now() })).token;
  const unreadable = {
    'an API key of the victim': victim.keys.read,
    'the owner’s token of yesterday': await sign(owner, { expires: '-1d' }),
    'a token signed with another secret': await sign(owner, another),
    'a service key signed with another secret': await sign({ role: 'service_role' }, another),
    'a listener’s token signed with another secret': await sign(self, another),
    'a token with alg none': unsigned(owner, 'none'),
    'a token with no signature': unsigned(owner, 'HS256'),
    'a token that brings its own key': await signedByItself(owner),
    'a token of the role postgres': await sign({ ...owner, role: 'postgres' }),
    'a token of the role supabase_admin': await sign({ ...owner, role: 'supabase_admin' }),
    'a token whose user is no id': await sign({ sub: `${victim.ownerId}' or true--` }),
  };
  const elsewhere = { sub: randomUUID() };
  await admin`insert into auth.users (id, email) values (${elsewhere.sub}, 'listener@rival.example')`;
  await admin`insert into kavach.members (org_id, user_id, role) values (${rival}, ${elsewhere.sub}, 'owner')`;
  const strangers = {
    'no token': null,
    'the public key': PUBLISHABLE,
    ...unreadable,
    'a token of the role anon': await sign({ ...owner, ...self, role: 'anon' }),
    'another organisation’s owner': await sign(elsewhere),
    'an owner elsewhere with self-made metadata': await sign({ ...elsewhere, user_metadata: self, app_metadata: self }),
    'another organisation’s SDK': await grant(rival),
    'the victim’s token for another topic': await sign({ kavach_org: victim.org, kavach_topics: ['other'] }),
    'the victim’s token for no topic': await sign({ kavach_org: victim.org }),
    'somebody without an organisation': await sign({ sub: randomUUID() }),
  };
  return {
    strangers: new Map(Object.entries(strangers)),
    unreadable: Object.keys(unreadable),
    listeners: new Map([
      ['a member', await sign({ sub: victim.memberId })],
      ['the victim’s SDK', await grant(victim.org)],
    ]),
  };
}
