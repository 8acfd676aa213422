import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { claimDataFolder } from '../postgres/data-folder.ts';
import { launch, type Launched } from '../postgres/launch.ts';
import { listenIn, startFixture } from './testing/realtime-fixture.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'kavach-test-'));
let cluster: Launched;
beforeAll(async () => {
  cluster = await launch({ folder: claimDataFolder(dataDir), password: 'of-the-test', settings: { fsync: 'off' } });
});
afterAll(async () => {
  await cluster.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

it('goes on when PostgreSQL was killed and came back', async () => {
  await using at = await startFixture({ databaseUrl: cluster.urlOf('postgres') });
  const client = at.client(() => at.token());
  const { system, states } = await listenIn(client);
  process.kill(cluster.pid, 'SIGKILL');
  expect(await system.next()).toMatch(/^The connection to the database was interrupted/);
  expect(await states.next()).toBe('CLOSED');
  await cluster.running();
  const again = await listenIn(client);
  await at.send({ n: 'after' });
  expect((await again.messages.next()).payload['n']).toBe('after');
});
