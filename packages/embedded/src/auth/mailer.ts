/** Sends codes and links, one mail for an address at a time, whether or not somebody has that address. */
import { Attempts } from './attempts.ts';
import { LIMITS } from './limits.ts';
import { type CodeKind, type CodeOwner, type OneTimeCodes } from './one-time-codes.ts';
import { AuthProblem } from './problem.ts';
import { redirectWithin } from './redirect.ts';

/** What a mail is for, in supabase-js' words for `verifyOtp({ type })`. */
export type MailType = 'signup' | 'magiclink' | 'recovery' | 'email_change';

/** A mail to be sent. It holds secrets: whoever reads it can sign in as its receiver. */
export interface Mail {
  readonly to: string;
  readonly type: MailType;
  /** Six digits, for `verifyOtp({ email, token, type })`. */
  readonly code: string;
  /** For `verifyOtp({ token_hash, type })`. */
  readonly tokenHash: string;
  /** Leads to the site, signed in. */
  readonly link: string;
}

const KINDS: Readonly<Record<MailType, CodeKind>> = {
  signup: 'confirmation_token',
  magiclink: 'recovery_token',
  recovery: 'recovery_token',
  email_change: 'email_change_token_new',
};

export class Mailer {
  readonly #codes: OneTimeCodes;
  readonly #siteUrl: string;
  readonly #deliver: (mail: Mail) => Promise<void>;
  readonly #report: (error: unknown) => void;
  readonly #sent: Attempts;

  constructor(options: {
    readonly codes: OneTimeCodes;
    readonly siteUrl: string;
    readonly deliver: (mail: Mail) => Promise<void>;
    readonly report: (error: unknown) => void;
    readonly now: () => number;
  }) {
    this.#codes = options.codes;
    this.#siteUrl = options.siteUrl;
    this.#deliver = options.deliver;
    this.#report = options.report;
    this.#sent = new Attempts(LIMITS.mail, options.now);
  }

  /**
   * To be asked before the address is looked up, so that the answer says nothing about it.
   *
   * @throws AuthProblem 429 `over_email_send_rate_limit`
   */
  requirePause(email: string): void {
    const waitMs = this.#sent.take(email);
    if (waitMs === 0) return;
    const seconds = Math.ceil(waitMs / 1_000);
    throw new AuthProblem(
      429,
      'over_email_send_rate_limit',
      `For security purposes, you can only request this after ${seconds} seconds.`,
      { retryAfterMs: waitMs },
    );
  }

  /**
   * Makes a code and sends it, if there is somebody to send it to.
   *
   * @returns whether it did not fail. The caller decides whether the client may know: where it can only fail for
   *   addresses that are known, it may not.
   */
  async send(type: MailType, to: string, redirectTo: string | undefined, only?: CodeOwner): Promise<boolean> {
    const issued = await this.#codes.issue(KINDS[type], to, only);
    if (!issued) return true;
    const { code, tokenHash } = issued;
    const link = new URL('/auth/v1/verify', this.#siteUrl);
    link.search = new URLSearchParams({
      token: tokenHash,
      type,
      redirect_to: redirectWithin(this.#siteUrl, redirectTo),
    }).toString();
    try {
      await this.#deliver({ to, type, code, tokenHash, link: link.href });
      return true;
    } catch (error) {
      this.#report(error);
      this.#sent.clear(to);
      return false;
    }
  }
}
