/**
 * Six-digit codes and the links beside them: for one address, one purpose, one use and one hour.
 * The link's token is a random one of its own. Derived from the code, it could be guessed past the limit on wrong codes.
 */
import { createHash, createHmac, randomBytes, randomInt } from 'node:crypto';
import type postgres from 'postgres';
import { Attempts } from './attempts.ts';
import { LIMITS } from './limits.ts';
import { AuthProblem } from './problem.ts';
import { type Queries } from './users.ts';

/** GoTrue's names. A magic link and a recovery prove the same, so one kind serves both. */
export type CodeKind = 'confirmation_token' | 'recovery_token' | 'email_change_token_new';

export interface IssuedCode {
  readonly userId: string;
  readonly code: string;
  readonly tokenHash: string;
}

/** Which users of an address get a code. */
export interface CodeOwner {
  readonly userId?: string;
  /** Only one whose address is not proved yet. */
  readonly unconfirmed?: boolean;
}

/** What a code or link proved. */
export interface ProvenAddress {
  readonly userId: string;
  readonly kind: CodeKind;
  /** The address that it was sent to. */
  readonly email: string;
}

const expired = () => new AuthProblem(403, 'otp_expired', 'Token has expired or is invalid');

const digest = (token: string) => createHash('sha256').update(token).digest('hex');

export class OneTimeCodes {
  readonly #sql: postgres.Sql;
  readonly #secret: string;
  readonly #now: () => number;
  readonly #wrong: Attempts;
  readonly #tries: Attempts;

  constructor(options: { readonly sql: postgres.Sql; readonly jwtSecret: string; readonly now: () => number }) {
    this.#sql = options.sql;
    this.#secret = options.jwtSecret;
    this.#now = options.now;
    this.#wrong = new Attempts({ limit: LIMITS.wrongCodes, windowMs: LIMITS.codeMs }, options.now);
    this.#tries = new Attempts(LIMITS.codeTries, options.now);
  }

  /**
   * Makes a code for the user of an address and forgets the one before. Does the same work where there is no such user.
   *
   * @returns `undefined` where there is nobody to send it to
   */
  async issue(kind: CodeKind, email: string, only: CodeOwner = {}): Promise<IssuedCode | undefined> {
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    const tokenHash = randomBytes(28).toString('hex');
    const at = new Date(this.#now());
    const owner = (sql: Queries) => sql`
      select users.id from auth.users as users
      where ${this.#address(sql, kind)} = ${email} and users.deleted_at is null and not users.is_sso_user
        and (not ${only.unconfirmed ?? false}::boolean or users.email_confirmed_at is null)
        and users.id = coalesce(${only.userId ?? null}::uuid, users.id)
      -- Several users may wish to change to one address.
      order by users.email_change_sent_at desc nulls last limit 1`;
    const userId = await this.#sql.begin(async (sql) => {
      await sql`delete from auth.one_time_tokens where token_type = ${kind} and user_id in (${owner(sql)})`;
      const [row] = await sql<{ userId: string }[]>`
        insert into auth.one_time_tokens (user_id, token_type, token_hash, relates_to, created_at)
        select id, ${kind}, ${digest(tokenHash)}, ${this.#seal(kind, email, code)}, ${at} from (${owner(sql)}) as owner
        returning user_id as "userId"`;
      await sql`
        update auth.users as users set
          confirmation_sent_at = case when ${kind} = 'confirmation_token' then ${at} else confirmation_sent_at end,
          recovery_sent_at = case when ${kind} = 'recovery_token' then ${at} else recovery_sent_at end,
          email_change_sent_at = case when ${kind} = 'email_change_token_new' then ${at} else email_change_sent_at end
        where users.id = ${row?.userId ?? null}`;
      return row?.userId;
    });
    this.#wrong.clear(email);
    return userId === undefined ? undefined : { userId, code, tokenHash };
  }

  /**
   * Uses up the code of an address.
   *
   * @throws AuthProblem 403 `otp_expired` for a wrong, used, old or dead code; 429 `over_request_rate_limit`
   */
  async redeemCode(kinds: readonly CodeKind[], email: string, code: string): Promise<ProvenAddress> {
    const waitMs = this.#tries.take(email);
    if (waitMs > 0) {
      throw new AuthProblem(429, 'over_request_rate_limit', 'Too many codes were tried for this address', {
        retryAfterMs: waitMs,
      });
    }
    // Counted before it is looked up: five tries at once are five tries.
    if (this.#wrong.take(email) > 0) throw expired();
    for (const kind of kinds) {
      const proven = await this.#take(kind, (sql) => {
        const sealed = this.#seal(kind, email, code);
        return sql`${this.#address(sql, kind)} = ${email} and tokens.relates_to = ${sealed}`;
      });
      if (proven) {
        this.#wrong.clear(email);
        this.#tries.clear(email);
        return proven;
      }
    }
    if (this.#wrong.spent(email)) await this.#kill(email);
    throw expired();
  }

  /**
   * Uses up a link.
   *
   * @throws AuthProblem 403 `otp_expired`
   */
  async redeemLink(kinds: readonly CodeKind[], tokenHash: string): Promise<ProvenAddress> {
    for (const kind of kinds) {
      const proven = await this.#take(kind, (sql) => sql`tokens.token_hash = ${digest(tokenHash)}`);
      if (proven) return proven;
    }
    throw expired();
  }

  /** Deleting and finding is one statement, so that a code is used once however often it is sent at the same time. */
  async #take(kind: CodeKind, found: (sql: Queries) => postgres.Fragment): Promise<ProvenAddress | undefined> {
    const sql = this.#sql;
    const [row] = await sql<{ userId: string; email: string }[]>`
      delete from auth.one_time_tokens as tokens using auth.users as users
      where users.id = tokens.user_id and users.deleted_at is null and tokens.token_type = ${kind}
        and tokens.created_at > ${new Date(this.#now() - LIMITS.codeMs)} and ${found(sql)}
      returning users.id as "userId", ${this.#address(sql, kind)} as email`;
    return row && { ...row, kind };
  }

  async #kill(email: string): Promise<void> {
    await this.#sql`
      delete from auth.one_time_tokens as tokens using auth.users as users
      where users.id = tokens.user_id
        and case when tokens.token_type = 'email_change_token_new'
          then lower(users.email_change) else lower(users.email) end = ${email}`;
  }

  #address(sql: Queries, kind: CodeKind): postgres.Fragment {
    return kind === 'email_change_token_new' ? sql`lower(users.email_change)` : sql`lower(users.email)`;
  }

  /** Keyed, so that who reads the table cannot try out a million codes. */
  #seal(kind: CodeKind, email: string, code: string): string {
    return createHmac('sha256', this.#secret).update(`one-time-code\n${kind}\n${email}\n${code}`).digest('hex');
  }
}
