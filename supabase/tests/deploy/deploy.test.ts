/** What `supabase functions deploy --use-api` uploads: an incomplete set would still exit with 0, and fail at the first request. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closureOf, functionNames, ROOT } from './functions.ts';
import { startManagementApi, type ManagementApi } from './management-api.ts';

const NAMES = functionNames();

let api: ManagementApi;
let folder: string;

beforeAll(async () => {
  api = await startManagementApi();
  folder = mkdtempSync(join(tmpdir(), 'kavach-deploy-'));
  // A copy, since the CLI leaves files in the folder that it works in.
  for (const path of ['supabase/functions', 'supabase/config.toml', 'supabase/templates', 'packages/core/src']) {
    if (existsSync(`${ROOT}${path}`)) cpSync(`${ROOT}${path}`, join(folder, path), { recursive: true });
  }
  await deploy();
}, 120_000);

afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

async function deploy(): Promise<void> {
  const home = join(folder, 'home');
  mkdirSync(home);
  const profile = join(folder, 'profile.json');
  const host = '127.0.0.1';
  writeFileSync(
    profile,
    JSON.stringify({ name: 'test', api_url: api.url, dashboard_url: api.url, project_host: host, pooler_host: host }),
  );
  const cli = join(ROOT, 'node_modules/supabase/dist/supabase.js');
  const what = ['functions', 'deploy', ...NAMES, '--use-api', `--remote=${api.project}`, '--yes'];
  await promisify(execFile)(process.execPath, [cli, '--profile', profile, '--workdir', folder, ...what], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: home, SUPABASE_ACCESS_TOKEN: `sbp_${'0'.repeat(40)}`, DO_NOT_TRACK: '1' },
    timeout: 100_000,
  });
}

describe('supabase functions deploy', () => {
  it('deploys every function', () => {
    expect([...api.deployments.keys()].sort()).toEqual(NAMES);
    expect(NAMES).toEqual(expect.arrayContaining(['connect', 'ingest', 'leases', 'pricing', 'status']));
  });

  it.each(NAMES)('uploads of %s what it imports, no more and no less', (name) => {
    const { files, metadata } = api.deployments.get(name)!;
    expect([...files].sort()).toEqual(closureOf(name));
    expect(metadata).toMatchObject({
      entrypoint_path: `supabase/functions/${name}/index.ts`,
      import_map_path: `supabase/functions/${name}/deno.json`,
    });
  });

  it('leaves checking the credentials to the functions: supabase/config.toml says so for each', () => {
    const unchecked = NAMES.filter((name) => api.settings.get(name)?.['verify_jwt'] === false);
    expect(unchecked).toEqual(NAMES);
  });
});
