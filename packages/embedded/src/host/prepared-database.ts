/** The stack's database: started, shaped like a Supabase project's, migrated and seeded. */
import postgres from 'postgres';
import { assetFolder, sqlFiles } from '../postgres/assets.ts';
import { applyBaseline } from '../postgres/baseline.ts';
import type { DataFolder } from '../postgres/data-folder.ts';
import { launch } from '../postgres/launch.ts';
import { migrate } from '../postgres/migrate.ts';
import type { Secrets } from './secrets.ts';
import { seed } from './seed.ts';
import type { Teardown } from './teardown.ts';

/** A database to work with. */
export interface PreparedDatabase {
  /** Pools and addresses of the superuser and of the role `postgres`. */
  readonly admin: postgres.Sql;
  readonly adminUrl: string;
  readonly owner: postgres.Sql;
  readonly ownerUrl: string;
  /** The id of the organisation `local`. */
  readonly organisation: string;
}

/** What the preparation needs. */
export interface PreparationOptions {
  readonly folder: DataFolder;
  readonly secrets: Secrets;
  readonly log: (line: string) => void;
  /** Called after each phase; may throw to end the start. */
  readonly phase: (name: string) => void;
  /** Takes what ends the database and its connections. */
  readonly undo: Teardown;
}

export async function prepareDatabase(options: PreparationOptions): Promise<PreparedDatabase> {
  const { folder, secrets, log, phase, undo } = options;
  const server = await launch({ folder, password: secrets.adminPassword, log });
  undo.add(() => server.stop());
  if (server.orphan !== undefined) log(`Stopped the database that an earlier process left behind (${server.orphan}).`);
  phase('postgres');
  const connect = (url: string, max: number): postgres.Sql => {
    const sql = postgres(url, { max, onnotice: () => undefined });
    undo.add(() => sql.end({ timeout: 1 }));
    return sql;
  };
  const adminUrl = server.urlOf('postgres');
  const ownerUrl = server.urlOf('postgres', { name: 'postgres', password: secrets.postgresPassword });
  const admin = connect(adminUrl, 4);
  const owner = connect(ownerUrl, 2);
  await applyBaseline(admin, secrets.postgresPassword);
  phase('baseline');
  const applied = await migrate(owner, sqlFiles(assetFolder('migrations')));
  if (applied.length > 0) log(`Applied ${applied.length} migrations.`);
  phase('migrations');
  const organisation = await seed(owner, secrets.keys);
  phase('seed');
  return { admin, adminUrl, owner, ownerUrl, organisation };
}
