/** What all auth routes share. */
import type postgres from 'postgres';
import { type AccessTokens } from './access-token.ts';
import { type Attempts } from './attempts.ts';
import { type Mailer } from './mailer.ts';
import { type OneTimeCodes } from './one-time-codes.ts';
import { type Sessions } from './sessions.ts';

export interface AuthContext {
  readonly sql: postgres.Sql;
  readonly siteUrl: string;
  readonly autoConfirm: boolean;
  readonly now: () => number;
  readonly tokens: AccessTokens;
  readonly sessions: Sessions;
  readonly codes: OneTimeCodes;
  readonly mailer: Mailer;
  /** By address. */
  readonly signIns: Attempts;
}

/** @returns the token of `Authorization: Bearer …` */
export function bearer(header: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
}
