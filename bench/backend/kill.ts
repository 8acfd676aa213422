/** How long a kill in the database takes to end a call in another process, beside a bare NOTIFY. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { percentile, type Section } from '../measure.ts';
import type { Host } from './host.ts';
import { startProgram } from './programs.ts';

interface Heard {
  readonly what: 'notified' | 'aborted';
  readonly at: number;
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** @param runs how often */
export async function killSection(host: Host, runs: number): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'kavach-bench-victim-'));
  // A provider that never answers.
  const provider = createServer();
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const sql = postgres(host.databaseUrl, { max: 1, onnotice: () => undefined });
  let arrived = once(provider, 'request');
  const victim = startProgram('victim', {
    URL: host.url,
    KEY: host.keys.sdk,
    DATABASE_URL: host.databaseUrl,
    PROVIDER: `http://127.0.0.1:${(provider.address() as AddressInfo).port}`,
    AGENTKAVACH_BUFFER_DIR: folder,
  });
  const notified: number[] = [];
  const aborted: number[] = [];
  await arrived;
  // The channel is joined shortly after the first call.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  for (let run = 0; run < runs; run += 1) {
    const heard = victim.next<Heard>();
    const told = now();
    await sql`select pg_notify('bench', '')`;
    notified.push((await heard).at - told);

    const ended = victim.next<Heard>();
    const killed = now();
    await sql`select kavach.kill_agent(${host.organisation}, 'victim', 'manual', 'bench')`;
    aborted.push((await ended).at - killed);
    arrived = once(provider, 'request');
    await sql`select kavach.resume_agent(${host.organisation}, 'victim', 'bench')`;
    await arrived;
  }
  provider.closeAllConnections();
  await victim.end();
  provider.close();
  await sql.end();
  rmSync(folder, { recursive: true, force: true });
  const of = (values: readonly number[], share: number): number => percentile(values, share);
  return {
    title: 'Kill',
    note: `From before \`select kavach.kill_agent(…)\` to the end of a fetch inside a guarded call in another process, over ${runs} runs; a bare NOTIFY to the same process in turn.`,
    figures: [
      { name: 'baseline: NOTIFY to LISTEN, p50', value: of(notified, 0.5), unit: 'ms' },
      { name: 'baseline: NOTIFY to LISTEN, p99', value: of(notified, 0.99), unit: 'ms' },
      { name: 'kill to abort, p50', value: of(aborted, 0.5), unit: 'ms' },
      { name: 'kill to abort, p95', value: of(aborted, 0.95), unit: 'ms' },
      { name: 'kill to abort, p99', value: of(aborted, 0.99), unit: 'ms', target: 250 },
      { name: 'kill to abort, longest', value: of(aborted, 1), unit: 'ms' },
    ],
  };
}
