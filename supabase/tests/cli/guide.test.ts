/** docs/deploy-supabase.md names only commands and options that this version of the Supabase CLI has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsFrom } from '@agentkavach/functions/_shared/dependencies';
import { expect, it } from 'vitest';
import { ROOT, supabase } from './supabase.ts';

const { run } = supabase();
const guide = readFileSync(join(ROOT, 'docs/deploy-supabase.md'), 'utf8');
const commands = new Map<string, Set<string>>();
for (const [, line = ''] of guide.matchAll(/npx supabase ([^\n`#&]+)/g)) {
  const [first = '', second = '', ...rest] = line.trim().split(/\s+/);
  const command = ['link', 'login'].includes(first) ? first : `${first} ${second}`;
  const options = [second, ...rest].filter((word) => word.startsWith('--'));
  commands.set(command, new Set([...(commands.get(command) ?? []), ...options]));
}

it('names the commands that a deployment needs', () => {
  expect([...commands.values()].flatMap((options) => [...options])).toEqual(
    expect.arrayContaining(['--use-api', '--dry-run', '--project-ref']),
  );
  expect([...commands.keys()].sort()).toEqual([
    'config diff',
    'config push',
    'db push',
    'functions deploy',
    'gen signing-key',
    'link',
    'login',
    'secrets set',
  ]);
});

it('means the project, not a database on this machine', () => {
  const pushes = [...guide.matchAll(/npx supabase db push.*/g)].map(([line]) => line);
  expect(pushes).toHaveLength(3);
  expect(pushes.filter((line) => !/db push --remote\b/.test(line))).toEqual([]);
});

it.each([...commands])('supabase %s exists, with its options', async (command, options) => {
  const { exit, out } = await run(...command.split(' '), '--help');
  expect(exit).toBe(0);
  expect(out).toContain(`supabase ${command}`);
  for (const option of options) expect(out).toMatch(new RegExp(`^ {2}${option}[ [=]`, 'm'));
});

it('makes a signing key that the functions take', async () => {
  const { out } = await run('gen', 'signing-key', '--algorithm', 'ES256');
  const env = { SUPABASE_URL: 'https://example.com', SUPABASE_ANON_KEY: 'a', KAVACH_SIGNING_KEY: out };
  expect(settingsFrom(env).signingKey).toMatchObject({ kty: 'EC', alg: 'ES256' });
});
