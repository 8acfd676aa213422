/** `/v1/keys`: the API keys of an organisation. A key is shown once, when it is made; after that only its first characters. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { Dependencies } from '../_shared/dependencies.ts';
import { ApiError, readJson } from '../_shared/http.ts';
import { hashKey, makeKey, prefixOf } from '../_shared/keys.ts';
import { operatorApp } from '../_operator/app.ts';
import { noQuery, text } from '../_operator/fields.ts';
import { pageFields, pageOf } from '../_operator/page.ts';
import { idOf, inOrganisation, readOptionalJson, readQuery, type Granted } from '../_operator/request.ts';
import { findKey, findKeys, KEY_SCOPES, keyKeys, type KeyView } from './key-list.ts';

const pageQuery = z.strictObject(pageFields);

const newKey = z.strictObject({
  name: text(100),
  environment: z.enum(['prod', 'dev']).default('prod'),
  scopes: z
    .array(z.enum(KEY_SCOPES))
    .min(1)
    .max(KEY_SCOPES.length)
    .transform((scopes) => [...new Set(scopes)])
    .default(['sdk']),
});

const rotation = z.strictObject({
  /** Hours for which the old key still works; 0 ends it at once. */
  graceHours: z.number().min(0).max(168).default(24),
});

/** A key with its secret, which is not stored and not shown again. */
export interface NewKey extends KeyView {
  readonly key: string;
}

/**
 * The app of `/keys`. Scope `admin`.
 *
 * - `GET /?limit&cursor` → `Page<KeyView>`, newest first; revoked keys too
 * - `POST / { name, environment?, scopes? }` → 201 `NewKey`; environment `prod` unless `dev`, scopes `['sdk']` unless given.
 *   A key can't make a key with a scope that it lacks, but for `sdk`.
 * - `DELETE /:id` → 204; the key works no more
 * - `POST /:id/rotate { graceHours? }` → 201 `NewKey` with the old one's name, environment and scopes; the old key works for
 *   `graceHours` more (0 to 168, default 24). The body may be empty.
 *
 * Errors: 401, 403 `forbidden`, 404 `key_not_found`, 409 `key_ended` and `key_limit`, 422 `invalid` and `invalid_cursor`.
 */
export function handler(deps: Dependencies): Hono {
  const app = operatorApp('/keys');

  app.get('/', async (c) => {
    const page = pageOf(readQuery(c, pageQuery), keyKeys);
    return c.json(await inOrganisation(c, deps, 'admin', ({ sql, org }) => findKeys(sql, org, page)));
  });

  app.post('/', async (c) => {
    readQuery(c, noQuery);
    const { name, environment, scopes } = await readJson(c, newKey, { maxBytes: 4_000 });
    const created = await inOrganisation(c, deps, 'admin', async (granted) => {
      await refuseScopesBeyond(granted, scopes);
      const { sql, org } = granted;
      const key = makeKey(environment);
      const [row] = await sql<{ id: string }[]>`
        select private.create_key(${org}, ${name}, ${environment}, ${scopes}, ${prefixOf(key)}, ${await hashKey(key)}) as id`;
      return { ...(await findKey(sql, org, row?.id ?? '')), key } satisfies NewKey;
    });
    return c.json(created, 201);
  });

  app.delete('/:id', async (c) => {
    readQuery(c, noQuery);
    const id = idOf(c, 'key');
    await inOrganisation(c, deps, 'admin', async ({ sql, org }) => {
      await findKey(sql, org, id);
      await sql`select private.revoke_key(${id})`;
    });
    return c.body(null, 204);
  });

  app.post('/:id/rotate', async (c) => {
    readQuery(c, noQuery);
    const id = idOf(c, 'key');
    const { graceHours } = await readOptionalJson(c, rotation);
    const created = await inOrganisation(c, deps, 'admin', async (granted) => {
      const { sql, org } = granted;
      const old = await findKey(sql, org, id);
      // A rotation hands out a working key, so it is held to the same rule as making one.
      await refuseScopesBeyond(granted, old.scopes);
      const key = makeKey(old.environment);
      const [row] = await sql<{ id: string }[]>`
        select private.rotate_key(${id}, ${prefixOf(key)}, ${await hashKey(key)}, make_interval(secs => ${graceHours * 3600})) as id`;
      return { ...(await findKey(sql, org, row?.id ?? '')), key } satisfies NewKey;
    });
    return c.json(created, 201);
  });

  return app;
}

async function refuseScopesBeyond({ sql, caller }: Granted, wanted: readonly string[]): Promise<void> {
  if (caller.kind !== 'key') return;
  const [row] = await sql<{ lacking: string[] }[]>`
    select array(
      select w from unnest(${[...wanted]}::text[]) w
      -- Whoever manages keys may hand out those of apps.
      where not (current_setting('request.jwt.claims')::jsonb -> 'kavach_scopes')
        ?| case w when 'sdk' then array['sdk', 'admin'] else array[w] end
    ) as lacking`;
  const lacking = row?.lacking ?? wanted;
  if (lacking.length === 0) return;
  throw new ApiError(
    403,
    'forbidden',
    `A key can't hand out scopes that it lacks: ${lacking.join(', ')}. Ask a key that has them, or an admin of the organisation.`,
    { lacking },
  );
}
