/** docs/deploy-supabase.md makes the first organisation and its keys with curl: here, word for word, on the embedded backend. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { removeInstall, startStack, type Stack } from '@agentkavach/embedded';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../src/testing/terminal.ts';

const GUIDE = fileURLToPath(new URL('../../../docs/deploy-supabase.md', import.meta.url));
const hasCurl = spawnSync('curl', ['--version']).status === 0;

let dataDir: string;
let stack: Stack;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'kavach-guide-'));
  stack = await startStack({ dataDir });
});
afterAll(async () => {
  await stack.stop();
  removeInstall(dataDir);
  rmSync(dataDir, { recursive: true, force: true });
});

/** The blocks of commands in a chapter. */
function commandsOf(title: string): string[] {
  const [, chapter = ''] = readFileSync(GUIDE, 'utf8').split(`. ${title}\n`);
  const [text = ''] = chapter.split('\n## ');
  return [...text.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''));
}

it.skipIf(!hasCurl)('the commands of the guide give keys that work', async () => {
  const [register = '', verify = '', keys = ''] = commandsOf('The first organisation and its key');
  const url = `${stack.url}/functions/v1`;
  const sh = async (script: string): Promise<string> => {
    const { stdout } = await promisify(execFile)('sh', [
      '-ec',
      script.replaceAll('curl ', 'curl -sS --fail-with-body '),
    ]);
    return stdout;
  };
  const address = register.split('\n')[0]!;
  expect(address).toBe('URL=https://<ref>.supabase.co/functions/v1');
  await sh(register.replace(address, `URL=${url}`).replace('<a long one>', 'correct horse battery'));
  const [mail]: { to: string; code: string }[] = await (await fetch(`${stack.url}/outbox.json`)).json();
  expect(mail?.to).toBe('you@example.com');

  const answer = await sh(`URL=${url}\n${verify.replace('123456', mail!.code)}`);
  const { accessToken } = (JSON.parse(answer) as { session: { accessToken: string } }).session;
  const made = await sh(`URL=${url}\n${keys.replace('<access token>', accessToken)}`);
  const [production, onCall] = made
    .split(/(?<=\})\s*(?=\{)/)
    .map((text) => JSON.parse(text) as { key: string; name: string });
  expect([production?.name, onCall?.name]).toEqual(['production', 'on-call']);

  const connect = await fetch(`${url}/connect`, {
    method: 'POST',
    headers: { authorization: `Bearer ${production!.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sdk: 'test', instance: crypto.randomUUID(), agent: 'research-bot', budgets: [] }),
  });
  expect(await connect.json()).toMatchObject({ organisation: { name: 'Acme' } });
  const env = { AGENTKAVACH_URL: stack.url, AGENTKAVACH_OPERATOR_KEY: onCall!.key };
  expect((await run({ cwd: '/', env }, 'doctor')).exit).toBe(0);
  expect((await run({ cwd: '/', env }, 'status')).out).toMatch(/^research-bot +running/m);
  expect((await run({ cwd: '/', env }, 'keys', 'list')).exit).toBe(0);
});

it('the queries for the SQL editor lift the plan and add a colleague', async () => {
  const sql = postgres(stack.databaseUrl, { max: 1, onnotice: () => undefined });
  await sql`insert into kavach.organizations (name) values ('Acme') on conflict do nothing`;
  const admin = postgres(stack.adminUrl, { max: 1, onnotice: () => undefined });
  await admin`insert into auth.users (id, email) values (gen_random_uuid(), 'colleague@example.com')`;
  await admin.end();
  const guide = readFileSync(GUIDE, 'utf8');
  const queries = [...guide.matchAll(/^ {4}(?:update|insert into) [^;]*;$/gm)].map(([query]) => query);
  expect(queries).toHaveLength(2);
  for (const query of queries) expect((await sql.unsafe(query)).count).toBeGreaterThan(0);
  const [row] = await sql`
    select o.plan_id, m.role from kavach.members m join kavach.organizations o on o.id = m.org_id
    join auth.users u on u.id = m.user_id where u.email = 'colleague@example.com'`;
  expect(row).toEqual({ plan_id: 'max', role: 'admin' });
  await sql.end();
});
