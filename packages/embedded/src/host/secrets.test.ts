import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkKey } from '@agentkavach/functions/_shared/keys';
import { jwtVerify } from 'jose';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { secretsIn } from './secrets.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kavach-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('makes the secrets of an install once, for its owner only', async () => {
  const secrets = await secretsIn(folder);
  expect(await secretsIn(folder)).toEqual(secrets);
  expect(statSync(join(folder, 'secrets.json')).mode & 0o777).toBe(0o600);
  expect(checkKey(secrets.keys.sdk) && checkKey(secrets.keys.operator)).toBe(true);
  expect(secrets.keys.sdk).toMatch(/^ak_dev_/);
  const key = new TextEncoder().encode(secrets.jwtSecret);
  const roles = await Promise.all([secrets.anonKey, secrets.serviceKey].map((token) => jwtVerify(token, key)));
  expect(roles.map(({ payload }) => payload['role'])).toEqual(['anon', 'service_role']);
  const values = Object.values({ ...secrets, ...secrets.keys, keys: '' });
  expect(new Set(values).size).toBe(values.length);
});

it('does not begin anew where secrets are broken, or gone from a database', async () => {
  const file = join(folder, 'secrets.json');
  await secretsIn(folder);
  const { jwtSecret, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify(rest));
  const failure = secretsIn(folder);
  await expect(failure).rejects.toThrow('secrets.json lacks jwtSecret');
  await expect(failure).rejects.not.toThrow(String(jwtSecret));
  writeFileSync(file, '{');
  await expect(secretsIn(folder)).rejects.toThrow('cannot be read as JSON');
  rmSync(file);
  mkdirSync(join(folder, 'postgres'));
  await expect(secretsIn(folder)).rejects.toThrow('secrets.json is missing');
});
