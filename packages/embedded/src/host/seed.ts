/** What a new install starts with: an organisation without limits, and a key for the SDK and one for operators. */
import { hashKey, prefixOf } from '@agentkavach/functions/_shared/keys';
import type postgres from 'postgres';
import type { Secrets } from './secrets.ts';

/** What each key of a new install may do. */
const SCOPES = { sdk: ['sdk'], operator: ['read', 'control', 'admin'] } as const;

/**
 * Makes the organisation `local` and its keys, where the keys are not known yet. The database keeps hashes only.
 *
 * @param sql a connection of the role `postgres`
 * @returns the organisation
 */
export async function seed(sql: postgres.Sql, keys: Secrets['keys']): Promise<string> {
  return sql.begin(async (transaction) => {
    const known = await organisationOf(transaction, keys.sdk);
    if (known !== undefined) return known;
    const [made] = await transaction<{ id: string }[]>`
      insert into kavach.organizations (name, plan_id) values ('local', 'max') returning id
    `;
    const organisation = made?.id ?? '';
    for (const name of ['sdk', 'operator'] as const) {
      const hash = await hashKey(keys[name]);
      await transaction`
        select private.create_key(${organisation}, ${name}, 'dev', ${[...SCOPES[name]]}, ${prefixOf(keys[name])}, ${hash})
      `;
    }
    return organisation;
  });
}

async function organisationOf(sql: postgres.TransactionSql, key: string): Promise<string | undefined> {
  const rows = await sql<{ org_id: string }[]>`select org_id from kavach.api_keys where hash = ${await hashKey(key)}`;
  return rows[0]?.org_id;
}
