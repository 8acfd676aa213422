/** API keys as an operator sees them: never the key itself, never its hash. */
import { z } from 'zod';
import { sortMoment } from '../_operator/fields.ts';
import type { Fragment, Sql } from '../_operator/sql.ts';
import { notFound } from '../_operator/request.ts';
import { toPage, type Page, type PageRequest } from '../_operator/page.ts';

/** What a key may do: `sdk` reports and asks for budgets, `read` looks, `control` stops and resumes, `admin` changes. */
export const KEY_SCOPES = ['sdk', 'read', 'control', 'admin'] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

/** One API key. */
export interface KeyView {
  readonly id: string;
  readonly name: string;
  readonly environment: 'prod' | 'dev';
  /** The key's first characters. */
  readonly prefix: string;
  readonly scopes: readonly KeyScope[];
  readonly createdAt: string;
  /** To the minute; `null` where it was never used. */
  readonly lastUsedAt: string | null;
  /** The end of the grace after a rotation. */
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  /** The id of the key that took its place. */
  readonly replacedBy: string | null;
}

type Moments = 'createdAt' | 'lastUsedAt' | 'expiresAt' | 'revokedAt';

interface KeyRow extends Omit<KeyView, Moments> {
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly sortAt: string;
}

/** The sort keys of the key list: the creation to the microsecond, and the id. */
export const keyKeys = z.tuple([sortMoment, z.uuid()]);

/** Reads one page of keys, newest first. */
export async function findKeys(
  sql: Sql,
  org: string,
  page: PageRequest<z.infer<typeof keyKeys>>,
): Promise<Page<KeyView>> {
  const [at, id] = page.after ?? [null, null];
  const rows = await sql<KeyRow[]>`
    select ${columns(sql)} from kavach.api_keys k
    where k.org_id = ${org} and (${at}::timestamptz is null or (k.created_at, k.id) < (${at}, ${id}::uuid))
    order by k.created_at desc, k.id desc
    limit ${page.limit + 1}`;
  return toPage(rows, page.limit, show, (row) => [row.sortAt, row.id]);
}

/**
 * Reads one key.
 *
 * @throws ApiError 404 `key_not_found`
 */
export async function findKey(sql: Sql, org: string, id: string): Promise<KeyView> {
  const [row] = await sql<KeyRow[]>`
    select ${columns(sql)} from kavach.api_keys k where k.org_id = ${org} and k.id = ${id}`;
  if (row === undefined) throw notFound('key');
  return show(row);
}

function columns(sql: Sql): Fragment {
  return sql`k.id, k.name, k.environment, k.prefix, k.scopes, k.created_at as "createdAt",
    to_char(k.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "sortAt",
    k.last_used_at as "lastUsedAt", k.expires_at as "expiresAt", k.revoked_at as "revokedAt", k.replaced_by as "replacedBy"`;
}

function show({ sortAt: _, createdAt, lastUsedAt, expiresAt, revokedAt, ...row }: KeyRow): KeyView {
  return {
    ...row,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    expiresAt: expiresAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
  };
}
