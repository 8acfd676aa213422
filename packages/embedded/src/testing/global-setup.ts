/** Starts what the backend's tests share: one PostgreSQL for the run, with a template of a migrated database. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { assetFolder, sqlFiles } from '../postgres/assets.ts';
import { applyBaseline } from '../postgres/baseline.ts';
import { claimDataFolder } from '../postgres/data-folder.ts';
import { launch, type Launched } from '../postgres/launch.ts';
import { migrate } from '../postgres/migrate.ts';
import { TEMPLATE } from './cluster-address.ts';
import { removeLeftovers } from './leftovers.ts';

const FOLDER = 'kavach-test-';

/** Called by vitest before the first test file; what it returns is called after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftovers(tmpdir(), FOLDER);
  const dataDir = mkdtempSync(join(tmpdir(), FOLDER));
  const adminPassword = randomBytes(24).toString('base64url');
  const postgresPassword = randomBytes(24).toString('base64url');
  const folder = claimDataFolder(dataDir);
  const cluster = await launch({
    folder,
    password: adminPassword,
    // Nothing of a test run needs to survive a power cut.
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: 300, max_wal_senders: 0, wal_level: 'minimal' },
  });
  const failure = await makeTemplate(cluster, postgresPassword).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  project.provide('kavachCluster', { port: cluster.port, adminPassword, postgresPassword, failure });
  return async () => {
    await cluster.stop();
    // With its lock: a run that starts now must not take the folder for a leftover.
    rmSync(dataDir, { recursive: true, force: true });
  };
}

async function makeTemplate(cluster: Launched, postgresPassword: string): Promise<void> {
  const server = postgres(cluster.urlOf('postgres'), { max: 1, onnotice: () => undefined });
  await server`create database ${server(TEMPLATE)}`;
  const admin = postgres(cluster.urlOf(TEMPLATE), { max: 1, onnotice: () => undefined });
  const role = { name: 'postgres', password: postgresPassword };
  const owner = postgres(cluster.urlOf(TEMPLATE, role), { max: 1, onnotice: () => undefined });
  try {
    await applyBaseline(admin, postgresPassword);
    await migrate(owner, sqlFiles(assetFolder('migrations')));
  } finally {
    await Promise.all([admin.end(), owner.end()]);
    // A connection to a template would keep others from copying it.
    await server`alter database ${server(TEMPLATE)} with allow_connections false is_template true`;
    await server.end();
  }
}
