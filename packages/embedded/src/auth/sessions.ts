/** Sessions and their refresh tokens: a token is used once, and one that comes back later ends its session. */
import { randomBytes } from 'node:crypto';
import type postgres from 'postgres';
import { type AccessTokens, type AuthMethod } from './access-token.ts';
import { LIMITS } from './limits.ts';
import { AuthProblem } from './problem.ts';
import { findById, userColumns, userJson, type AuthUser, type Queries } from './users.ts';

/** GoTrue's answer to every sign-in. */
export type SessionJson = Readonly<Record<string, unknown>>;

const notFound = () =>
  new AuthProblem(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');

export class Sessions {
  readonly #sql: postgres.Sql;
  readonly #tokens: AccessTokens;
  readonly #now: () => number;

  constructor(sql: postgres.Sql, tokens: AccessTokens, now: () => number) {
    this.#sql = sql;
    this.#tokens = tokens;
    this.#now = now;
  }

  /** Opens a session for a user who has proved who they are. */
  async open(sql: Queries, userId: string, method: 'password' | 'otp'): Promise<SessionJson> {
    const amr = [{ method, timestamp: Math.floor(this.#now() / 1_000) }];
    const user = await findById(sql, userId);
    if (!user) throw new AuthProblem(403, 'user_not_found', 'User not found');
    this.#requireNotBanned(user);
    const [session] = await sql<{ id: string }[]>`
      insert into auth.sessions (user_id, aal, amr) values (${userId}, 'aal1', ${sql.json(amr)}) returning id`;
    if (!session) throw new Error('PostgreSQL opened no session');
    await sql`update auth.users set last_sign_in_at = ${new Date(this.#now())} where id = ${userId}`;
    const token = await this.#newToken(sql, userId, session.id, null);
    return this.#answer({ ...user, lastSignInAt: new Date(this.#now()) }, session.id, amr, token);
  }

  /**
   * Exchanges a refresh token for the next one.
   *
   * @throws AuthProblem 400 `refresh_token_not_found`; 400 `refresh_token_already_used`, and the session is gone then
   */
  async refresh(refreshToken: string): Promise<SessionJson> {
    const outcome = await this.#sql.begin(async (sql) => {
      // The session's row is the lock of all its tokens; the token is read after it is held.
      const [session] = await sql<{ id: string; userId: string; amr: readonly AuthMethod[] }[]>`
        select s.id, s.user_id as "userId", s.amr
        from auth.refresh_tokens as t join auth.sessions as s on s.id = t.session_id
        where t.token = ${refreshToken} for update of s`;
      const [held] = await sql<{ revoked: boolean; usedAt: Date }[]>`
        select revoked, updated_at as "usedAt" from auth.refresh_tokens where token = ${refreshToken}`;
      const user = session && (await findById(sql, session.userId));
      if (!session || !held || !user) return 'unknown';
      this.#requireNotBanned(user);
      let next: string | undefined;
      if (!held.revoked) {
        await sql`
          update auth.refresh_tokens set revoked = true, updated_at = ${new Date(this.#now())}
          where token = ${refreshToken}`;
        next = await this.#newToken(sql, user.id, session.id, refreshToken);
      } else if (this.#now() - held.usedAt.getTime() <= LIMITS.refreshReuseMs) {
        const [active] = await sql<{ token: string }[]>`
          select token from auth.refresh_tokens
          where session_id = ${session.id} and not revoked order by id desc limit 1`;
        next = active?.token;
      }
      if (next === undefined) {
        await this.close(sql, session.id);
        return 'reused';
      }
      return { user, session, next };
    });
    if (outcome === 'unknown') throw notFound();
    if (outcome === 'reused') {
      throw new AuthProblem(400, 'refresh_token_already_used', 'Invalid Refresh Token: Already Used');
    }
    return this.#answer(outcome.user, outcome.session.id, outcome.session.amr, outcome.next);
  }

  /**
   * The user of an access token whose session is still there.
   *
   * @throws AuthProblem 401 `no_authorization`, 403 `bad_jwt`, `session_not_found`, `user_banned`
   */
  async authenticate(token: string | undefined): Promise<{ readonly user: AuthUser; readonly sessionId: string }> {
    if (token === undefined) {
      throw new AuthProblem(401, 'no_authorization', 'This endpoint requires a valid Bearer token');
    }
    const claims = await this.#tokens.readUser(token);
    if (!claims) throw new AuthProblem(403, 'bad_jwt', 'invalid JWT: it is expired, or not a token of a user');
    const sql = this.#sql;
    const [user] = await sql<AuthUser[]>`
      select ${userColumns(sql)} from auth.sessions as s join auth.users as users on users.id = s.user_id
      where s.id::text = ${claims.sessionId} and users.id::text = ${claims.userId} and users.deleted_at is null`;
    if (!user) {
      throw new AuthProblem(403, 'session_not_found', 'Session from session_id claim in JWT does not exist');
    }
    this.#requireNotBanned(user);
    return { user, sessionId: claims.sessionId };
  }

  async close(sql: Queries, sessionId: string): Promise<void> {
    await sql`delete from auth.sessions where id = ${sessionId}`;
  }

  /** @param except a session that stays open */
  async closeAll(sql: Queries, userId: string, except?: string): Promise<void> {
    await sql`delete from auth.sessions where user_id = ${userId} and id is distinct from ${except ?? null}`;
  }

  #requireNotBanned(user: AuthUser): void {
    if (user.bannedUntil && user.bannedUntil.getTime() > this.#now()) {
      throw new AuthProblem(403, 'user_banned', 'User is banned');
    }
  }

  async #newToken(sql: Queries, userId: string, sessionId: string, parent: string | null): Promise<string> {
    const token = randomBytes(24).toString('base64url');
    await sql`
      insert into auth.refresh_tokens (token, user_id, session_id, parent)
      values (${token}, ${userId}, ${sessionId}, ${parent})`;
    return token;
  }

  async #answer(user: AuthUser, sessionId: string, amr: readonly AuthMethod[], next: string): Promise<SessionJson> {
    const access = await this.#tokens.sign(user, sessionId, amr);
    return {
      access_token: access.token,
      token_type: 'bearer',
      expires_in: LIMITS.accessTokenSeconds,
      expires_at: access.expiresAt,
      refresh_token: next,
      user: userJson(user),
    };
  }
}
