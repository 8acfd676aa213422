/** What a signed-in person is given: the tokens, who they are, and their organisations. */
import { z } from 'zod';
import type { UserCaller } from '../_shared/authenticate.ts';
import type { Database } from '../_shared/database.ts';
import type { Sql } from '../_operator/sql.ts';

/** A session, as the auth server makes it. */
export interface Session {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** When the access token ends. */
  readonly expiresAt: string;
  readonly user: { readonly id: string; readonly email: string };
}

/** An organisation of a person. */
export interface Organisation {
  readonly id: string;
  readonly name: string;
  readonly plan: string;
  readonly role: 'owner' | 'admin' | 'member';
}

/** The answer to all that signs in. Organisations in order of joining. */
export interface SignedIn {
  readonly session: Session;
  readonly organisations: readonly Organisation[];
}

/** The session in an answer of the auth server. */
export const authSession = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  expires_in: z.number(),
  user: z.object({
    id: z.uuid(),
    email: z.string().default(''),
    user_metadata: z.record(z.string(), z.unknown()).nullish(),
  }),
});
export type AuthSession = z.infer<typeof authSession>;

/** The auth server's session in our words. */
export function toSession(answer: AuthSession, now: number): Session {
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    expiresAt: new Date(now + answer.expires_in * 1000).toISOString(),
    user: { id: answer.user.id, email: answer.user.email },
  };
}

/**
 * The organisations of a person who has just signed in. Who has none gets one: it is the first time, whichever way the
 * e-mail was confirmed.
 */
export async function organisationsOf(
  database: Database,
  caller: UserCaller,
  answer: AuthSession,
): Promise<readonly Organisation[]> {
  const work = async (sql: Sql): Promise<readonly Organisation[]> => {
    const find = (): Promise<Organisation[]> => sql<Organisation[]>`
      select o.id, o.name, o.plan_id as plan, m.role
      from kavach.members m join kavach.organizations o on o.id = m.org_id
      where m.user_id = ${caller.userId}
      order by m.created_at, o.id`;
    const found = await find();
    if (found.length > 0) return found;
    // Two tabs that sign in at once must not make two.
    await sql`select pg_advisory_xact_lock(hashtextextended('kavach.first_organization:' || ${caller.userId}::text, 0))`;
    const meanwhile = await find();
    if (meanwhile.length > 0) return meanwhile;
    await sql`select private.create_organization(${nameOf(answer)})`;
    return find();
  };
  return database.as(caller, work, { bucket: 'auth' });
}

/** As asked for at registration, else after the e-mail address. */
function nameOf({ user }: AuthSession): string {
  const asked = user.user_metadata?.['organisation'];
  if (typeof asked === 'string' && asked.trim() !== '' && asked.isWellFormed() && !asked.includes('\0')) {
    return asked.trim().slice(0, 200).toWellFormed();
  }
  const [person = ''] = user.email.split('@');
  return `${person === '' ? 'My' : person} organisation`.slice(0, 200);
}
