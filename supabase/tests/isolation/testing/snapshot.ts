/** What stands in the database, but for the attackers' own: to be compared before and after a request. */
import type postgres from 'postgres';

/** A checksum for each table. When a key was last used does not count. */
export type Snapshot = Readonly<Record<string, string>>;

/** Makes a function that takes snapshots. @param own the organisation whose rows may change */
export async function snapshotsOf(sql: postgres.Sql, own: string): Promise<() => Promise<Snapshot>> {
  const tables = await sql<{ name: string; columns: string[] }[]>`
    select c.relname as name, array_agg(a.attname::text) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'kavach'::regnamespace and c.relkind in ('r', 'p')
    group by 1 order by 1`;
  const parts = tables.map(({ name, columns }) =>
    part(`kavach.${name}`, othersRows(name, columns, own), 'last_used_at'),
  );
  parts.push(
    // What a mail with a code leaves behind is no change of the person's.
    part('auth.users', 'true', 'recovery_token,recovery_sent_at,confirmation_token,confirmation_sent_at,updated_at'),
    part('realtime.messages', `t.topic <> 'org:${own}:control'`, ''),
  );
  const query = parts.join(' union all ');
  return async () => {
    const rows = await sql.unsafe<{ name: string; sum: string }[]>(query);
    return Object.fromEntries(rows.map(({ name, sum }) => [name, sum]));
  };
}

function othersRows(table: string, columns: readonly string[], own: string): string {
  if (columns.includes('org_id')) return `t.org_id <> '${own}'`;
  if (table === 'organizations') return `t.id <> '${own}'`;
  if (columns.includes('budget_id')) {
    return `t.budget_id not in (select b.id from kavach.budgets b where b.org_id = '${own}')`;
  }
  if (table === 'user_requests')
    return `t.user_id in (select m.user_id from kavach.members m where m.org_id <> '${own}')`;
  return 'true';
}

function part(table: string, condition: string, without: string): string {
  const row = `(to_jsonb(t) - '{${without}}'::text[])::text`;
  return `select '${table}' as name, count(*) || ' ' || md5(coalesce(string_agg(${row}, ' ' order by ${row}), '')) as sum
    from ${table} t where ${condition}`;
}
