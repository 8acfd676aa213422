/**
 * GoTrue's endpoints as far as supabase-js needs them for addresses with passwords and codes, on `auth.*` of a local
 * PostgreSQL. To be mounted at `/auth/v1`.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type postgres from 'postgres';
import { AccessTokens } from './access-token.ts';
import { Attempts } from './attempts.ts';
import { type AuthContext } from './context.ts';
import { LIMITS } from './limits.ts';
import { Mailer, type Mail } from './mailer.ts';
import { OneTimeCodes } from './one-time-codes.ts';
import { answerProblem, AuthProblem } from './problem.ts';
import { accountRoutes } from './routes/account.ts';
import { adminRoutes } from './routes/admin.ts';
import { mailRoutes } from './routes/mail.ts';
import { publicRoutes } from './routes/public.ts';
import { signUpRoutes } from './routes/sign-up.ts';
import { tokenRoutes } from './routes/token.ts';
import { verifyRoutes } from './routes/verify.ts';
import { Sessions } from './sessions.ts';

export type { Mail } from './mailer.ts';

export interface AuthOptions {
  /** A pool of a role that may write `auth.*`. */
  readonly sql: postgres.Sql;
  /** Signs access tokens (HS256). Anon and service keys are signed with it too. At least 32 bytes. */
  readonly jwtSecret: string;
  /** Where the site and these endpoints are served. Links in mails lead there and nowhere else. */
  readonly siteUrl: string;
  /** Called once for each mail, before the request that asked for it is answered. */
  sendMail(mail: Mail): Promise<void>;
  /** Takes addresses for proved, without a mail. Default false. */
  readonly autoConfirm?: boolean;
  /** Gets errors that nobody expected. Default: their message on the console. */
  readonly report?: (error: unknown) => void;
  /** Milliseconds since the Unix epoch. Default: the system's clock. */
  readonly now?: () => number;
}

/** The message alone: a database error also carries the statement's parameters. */
const printError = (error: unknown): void => {
  console.error(`auth: ${error instanceof Error ? error.message : 'unknown error'}`);
};

/**
 * @returns an app whose paths begin at `/`
 * @throws Error where `siteUrl` is no address or the secret is too short
 *
 * @example
 * host.route('/auth/v1', authApp({ sql, jwtSecret, siteUrl: 'http://127.0.0.1:8400', sendMail: async (mail) => outbox.push(mail) }));
 */
export function authApp(options: AuthOptions): Hono {
  const { sql, jwtSecret, siteUrl, autoConfirm = false, report = printError } = options;
  if (Buffer.byteLength(jwtSecret) < 32) {
    throw new Error('The JWT secret has fewer than 32 bytes; HS256 needs at least as many.');
  }
  if (!URL.canParse(siteUrl)) throw new Error(`The site's address is not a URL: ${siteUrl}`);
  const now = options.now ?? (() => Date.now());
  const tokens = new AccessTokens({ jwtSecret, siteUrl, now });
  const codes = new OneTimeCodes({ sql, jwtSecret, now });
  const auth: AuthContext = {
    sql,
    siteUrl,
    autoConfirm,
    now,
    tokens,
    codes,
    sessions: new Sessions(sql, tokens, now),
    mailer: new Mailer({ codes, siteUrl, report, now, deliver: (mail) => options.sendMail(mail) }),
    signIns: new Attempts(LIMITS.signIn, now),
  };

  const app = new Hono();
  app.onError((error, c) => answerProblem(c, error, report));
  app.notFound((c) => answerProblem(c, new AuthProblem(404, 'not_found', 'There is no such endpoint here'), report));
  app.use(
    bodyLimit({
      maxSize: LIMITS.bodyBytes,
      onError: () => {
        throw new AuthProblem(413, 'request_too_large', `The body may have ${LIMITS.bodyBytes} bytes`);
      },
    }),
  );
  // Answers hold tokens.
  app.use(async (c, next) => {
    await next();
    c.header('cache-control', 'no-store');
  });
  for (const routes of [
    publicRoutes,
    signUpRoutes,
    tokenRoutes,
    mailRoutes,
    verifyRoutes,
    accountRoutes,
    adminRoutes,
  ]) {
    routes(app, auth);
  }
  return app;
}
