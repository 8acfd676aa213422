import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clusterIn } from './cluster-files.ts';
import { claimDataFolder, type DataFolder } from './data-folder.ts';
import { DataFolderInUseError } from './errors.ts';
import { launch, type Launched, type LaunchOptions } from './launch.ts';
import { runAs } from './run-as.ts';

const password = 'of-this-test';
let dataDir: string;

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'kavach-launch-'));
});
afterAll(() => rmSync(dataDir, { recursive: true }));

/** Starts on the tests' common folder, and gives it back at the end. */
async function started(
  work: (cluster: Launched) => Promise<void>,
  options: Partial<LaunchOptions> = {},
): Promise<void> {
  const folder = claimDataFolder(dataDir);
  try {
    const cluster = await launch({ folder, password, ...options });
    try {
      await work(cluster);
    } finally {
      await cluster.stop();
    }
  } finally {
    folder.release();
  }
}

async function connected<T>(cluster: Launched, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(cluster.urlOf('postgres'), { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

it('makes a cluster that only this machine and this user reach', async () => {
  await started(async (cluster) => {
    expect(cluster.fresh).toBe(true);
    const [row] = await connected(
      cluster,
      (sql) => sql`
        select
          current_user as "user",
          current_setting('listen_addresses') as addresses,
          current_setting('unix_socket_directories') as sockets,
          current_setting('synchronous_commit') as acknowledged,
          current_setting('server_encoding') as encoding,
          (select datlocale from pg_database where datname = current_database()) as locale,
          current_setting('data_directory') as folder
      `,
    );
    expect(row).toMatchObject({
      user: 'supabase_admin',
      addresses: '127.0.0.1',
      sockets: '',
      acknowledged: 'on',
      encoding: 'UTF8',
      locale: 'C.UTF-8',
    });
    expect(statSync(row!['folder'] as string).mode & 0o777).toBe(0o700);
    const wrong = new URL(cluster.urlOf('postgres'));
    wrong.password = 'postgres';
    const guess = postgres(wrong.href, { max: 1 });
    await expect(guess`select`).rejects.toThrow('password authentication failed');
    await guess.end();
  });
});

it('keeps the data between starts, and refuses a second one meanwhile', async () => {
  await started(async (cluster) => {
    expect(cluster.fresh).toBe(false);
    await connected(cluster, (sql) => sql`create table kept as select 42 as answer`);
    expect(() => claimDataFolder(dataDir)).toThrow(DataFolderInUseError);
    expect(() => claimDataFolder(dataDir)).toThrow(`process ${process.pid} holds it since`);
  });
  await started(async (cluster) => {
    expect(await connected(cluster, (sql) => sql`select answer from kept`)).toEqual([{ answer: 42 }]);
  });
});

it('is back with all that was acknowledged after kill -9 of the server', async () => {
  let noticed: () => void;
  const death = new Promise<void>((resolve) => (noticed = resolve));
  await started(
    async (cluster) => {
      const before = cluster.pid;
      await connected(cluster, (sql) => sql`update kept set answer = 43`);
      process.kill(before, 'SIGKILL');
      await death;
      await cluster.running();
      expect(cluster.pid).not.toBe(before);
      expect(await connected(cluster, (sql) => sql`select answer from kept`)).toEqual([{ answer: 43 }]);
    },
    { log: (line) => line.includes('SIGKILL') && noticed() },
  );
});

it('stops the server that a killed process left behind, and goes on', async () => {
  const program = `
    import { claimDataFolder } from ${JSON.stringify(new URL('data-folder.ts', import.meta.url).href)};
    import { launch } from ${JSON.stringify(new URL('launch.ts', import.meta.url).href)};
    const cluster = await launch({ folder: claimDataFolder(process.argv[1]), password: process.argv[2] });
    console.log(cluster.pid);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, dataDir, password], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  await started(async (cluster) => {
    expect(cluster.orphan).toBe(Number(said.toString()));
    expect(await connected(cluster, (sql) => sql`select answer from kept`)).toEqual([{ answer: 43 }]);
  });
});

it('says that a wanted port is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await expect(started(async () => undefined, { port })).rejects.toThrow('PostgreSQL did not start');
  other.close();
  await started(async (cluster) => expect(cluster.fresh).toBe(false));
});

const user = runAs();
it.runIf(user !== undefined)('puts the files elsewhere as root where the other user may not go', async () => {
  const closed = mkdtempSync(join(tmpdir(), 'kavach-closed-'));
  const open = mkdtempSync(join(tmpdir(), 'kavach-open-'));
  chmodSync(open, 0o755);
  let folder: DataFolder | undefined;
  try {
    mkdirSync(join(closed, 'inside'));
    folder = claimDataFolder(join(closed, 'inside'));
    const cluster = await launch({ folder, password, open });
    try {
      const [row] = await connected(cluster, (sql) => sql`select current_setting('data_directory') as folder`);
      expect(row!['folder']).toMatch(new RegExp(`^${open}/data-`));
    } finally {
      await cluster.stop();
    }
    const again = await clusterIn(folder.path, { native: '', user, password, open });
    expect(again.fresh).toBe(false);
  } finally {
    folder?.release();
    for (const path of [closed, open]) rmSync(path, { recursive: true, force: true });
  }
});
