import { describe, expect, it } from 'vitest';
import { backend } from '../testing/backend.ts';
import { json, run } from '../testing/terminal.ts';

const place = backend();
const keys = (...words: string[]) => run(place, 'keys', ...words);

/** What the backend says to a key. */
const ask = async (key: string) =>
  (await fetch(`${place.stack.url}/functions/v1/agents`, { headers: { authorization: `Bearer ${key}` } })).status;

describe('keys', () => {
  it('lists keys by their first characters', async () => {
    const { exit, out } = await keys('list');
    expect(exit).toBe(0);
    expect(out).toMatch(/^KEY\s+NAME\s+SCOPES\s+USED\s+STATE\n/);
    expect(out).toMatch(/^ak_dev_\w{5}…\s+sdk\s+sdk\s+never\s+valid$/m);
    for (const key of Object.values(place.stack.keys)) expect(out).not.toContain(key);
    expect((await keys()).out).toContain('NAME');
    expect(await json(place, 'keys', 'list')).toHaveLength(2);
  });

  it('creates a key that works, shows it once, and revokes it', async () => {
    const { exit, out } = await keys('create', 'viewer', '--scopes', 'read, control');
    expect(exit).toBe(0);
    const [key = ''] = out.split('\n');
    expect(key).toMatch(/^ak_dev_[A-Za-z0-9]{44}$/);
    expect(out).toContain('Key "viewer" (dev; read, control). It is not shown again.');
    expect((await keys('list')).out).not.toContain(key);
    expect(await ask(key)).toBe(200);
    expect((await keys('revoke', 'viewer')).out).toBe(`The key ${key.slice(0, 12)}… (viewer) works no more.`);
    expect(await ask(key)).toBe(401);
    expect((await keys('list')).out).toMatch(/viewer .* revoked$/m);
    expect((await keys('revoke', 'viewer')).exit).toBe(5);
  });

  it('creates keys for apps unless told otherwise', async () => {
    expect((await keys('create', 'billing-service')).out).toContain('Key "billing-service" (dev; sdk).');
    expect((await keys('revoke', 'billing-service')).exit).toBe(0);
  });

  it('creates keys of an environment', async () => {
    const made = await json<{ key: string; id: string }>(
      place,
      ...['keys', 'create', 'ci', '--scopes', 'read', '--environment', 'prod'],
    );
    expect(made.key).toMatch(/^ak_prod_/);
    expect(await json(place, 'keys', 'revoke', made.id)).toEqual({ id: made.id, revoked: true });
  });

  it('rotates a key with a grace, and names one of two by its first characters', async () => {
    const old = await json<{ key: string; prefix: string }>(place, 'keys', 'create', 'on-call', '--scopes', 'read');
    const rotated = await keys('rotate', 'on-call', '--grace-hours', '2');
    const [fresh = ''] = rotated.out.split('\n');
    expect(rotated.out).toContain(`The old one (${old.prefix}…) works for 2 h more.`);
    expect([await ask(old.key), await ask(fresh)]).toEqual([200, 200]);
    expect((await keys('list')).out).toMatch(/on-call .* ends \d{4}-\d\d-\d\d \d\d:\d\d UTC$/m);
    const unclear = await keys('revoke', 'on-call');
    expect(unclear.exit).toBe(2);
    expect(unclear.err).toContain(`2 valid keys are called "on-call": ${fresh.slice(0, 12)}…, ${old.prefix}…`);
    expect((await keys('revoke', `${old.prefix}…`)).exit).toBe(0);
    expect([await ask(old.key), await ask(fresh)]).toEqual([401, 200]);
    const last = await json<{ key: string }>(place, 'keys', 'rotate', fresh, '--grace-hours', '0');
    expect([await ask(fresh), await ask(last.key)]).toEqual([401, 200]);
  });

  it('does not repeat a key that it does not know', async () => {
    const { exit, err } = await keys('revoke', `ak_prod_${'x'.repeat(44)}`);
    expect([exit, err]).toEqual([5, 'No valid key begins so. agentkavach keys list shows them.']);
    expect((await keys('revoke', 'nobody')).err).toContain('No valid key is called "nobody".');
  });

  it('passes on what a key may not hand out', async () => {
    const env = { AGENTKAVACH_URL: place.stack.url, AGENTKAVACH_OPERATOR_KEY: place.stack.keys.sdk };
    const { exit, err } = await run({ cwd: '/', env }, 'keys', 'list');
    expect(exit).toBe(4);
    expect(err).toContain('scope "admin"');
  });
});
