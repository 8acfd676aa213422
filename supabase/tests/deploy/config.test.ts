/** What `supabase config push` sends of supabase/config.toml: people sign up with a code, so the mails must hold it. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from './functions.ts';
import { startManagementApi, type ManagementApi } from './management-api.ts';

let api: ManagementApi;
let folder: string;
beforeAll(async () => {
  api = await startManagementApi();
  folder = mkdtempSync(join(tmpdir(), 'kavach-config-'));
  mkdirSync(join(folder, 'home'));
  for (const path of ['supabase/config.toml', 'supabase/templates'])
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

async function push(): Promise<ManagementApi['authConfig']> {
  const profile = join(folder, 'profile.json');
  const host = '127.0.0.1';
  writeFileSync(
    profile,
    JSON.stringify({ name: 'test', api_url: api.url, dashboard_url: api.url, project_host: host, pooler_host: host }),
  );
  const cli = join(ROOT, 'node_modules/supabase/dist/supabase.js');
  const args = ['--profile', profile, '--workdir', folder, 'config', 'push', `--remote=${api.project}`, '--yes'];
  const env = {
    ...{ PATH: process.env['PATH'], HOME: join(folder, 'home'), DO_NOT_TRACK: '1' },
    SUPABASE_ACCESS_TOKEN: `sbp_${'0'.repeat(40)}`,
  };
  // It ends with a complaint about the answer, which is not a whole configuration; what counts is what it sent.
  await promisify(execFile)(process.execPath, [cli, ...args], { cwd: folder, env, timeout: 50_000 }).catch(
    () => undefined,
  );
  return api.authConfig;
}

it('asks for a code at sign-up, and mails it', async () => {
  const sent = await push();
  expect(sent).toMatchObject({ mailer_autoconfirm: false, disable_signup: false, mailer_otp_length: 6 });
  for (const mail of ['confirmation', 'recovery'])
    expect([mail, sent[`mailer_templates_${mail}_content`]]).toEqual([mail, expect.stringContaining('{{ .Token }}')]);
});

it('closes the sign-up as the guide says', async () => {
  const file = join(folder, 'supabase/config.toml');
  const [before = '', auth = '', ...after] = readFileSync(file, 'utf8').split(/^(?=\[auth(?:\.email)?\])/m);
  expect(auth).toContain('enable_signup = true');
  writeFileSync(file, [before, auth.replace('enable_signup = true', 'enable_signup = false'), ...after].join(''));
  expect(await push()).toMatchObject({ disable_signup: true, external_email_enabled: true });
});
