import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { backend, budget, connect } from '../testing/backend.ts';
import { json, run, type Place } from '../testing/terminal.ts';

const place = backend();

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly state: string; readonly message: string }[];
}

/** The findings by name: `state: message`. */
async function findings(where: Place): Promise<Record<string, string>> {
  const { checks } = await json<Report>(where, 'doctor');
  return Object.fromEntries(checks.map(({ name, state, message }) => [name, `${state}: ${message}`]));
}

const away = (env: Record<string, string> = {}): Place => ({ cwd: '/', env });
const app = (key: string): Place => away({ AGENTKAVACH_URL: place.stack.url, AGENTKAVACH_API_KEY: key });

describe('doctor', () => {
  it('finds nothing wrong with an app that is set up', async () => {
    const { exit, out } = await run(app(place.stack.keys.sdk), 'doctor');
    expect(exit).toBe(0);
    expect(out).not.toMatch(/^[!✗]/m);
    expect(out).toMatch(/^✓ backend: http\S+ answers in \d+ ms$/m);
    expect(out).toContain('✓ access: the backend knows the key');
    expect(out).not.toContain(place.stack.keys.sdk);
    expect(await json<Report>(app(place.stack.keys.sdk), 'doctor')).toMatchObject({ ok: true });
  });

  it('knows the backend of the data folder', async () => {
    const found = await findings(place);
    expect(found).toMatchObject({
      key: expect.stringContaining('warning: AGENTKAVACH_API_KEY is not set'),
      access: 'ok: the backend knows the key in the data folder',
    });
    const { AGENTKAVACH_API_KEY } = app(place.stack.keys.sdk).env!;
    const noUrl = await findings({ ...place, cwd: place.cwd, env: { AGENTKAVACH_API_KEY: AGENTKAVACH_API_KEY! } });
    expect(noUrl['url']).toContain('warning: AGENTKAVACH_URL is not set');
  });

  it('warns where nothing is set', async () => {
    const found = await findings(away());
    expect(found['key']).toContain('warning: AGENTKAVACH_API_KEY is not set');
    expect(found['backend']).toContain('warning: None is named and none runs here');
    expect((await run(away(), 'doctor')).exit).toBe(0);
  });

  it('finds a key of another shape, which switches the guard off', async () => {
    const old = app('ak_live_0123456789');
    expect(await findings(old)).toMatchObject({ key: expect.stringMatching(/^error: .*malformed.*the guard is OFF/) });
    expect((await run(old, 'doctor')).exit).toBe(1);
  });

  it('finds a key that is mistyped, unknown or revoked', async () => {
    const mistyped = place.stack.keys.sdk.replace(/.$/, (end) => (end === 'a' ? 'b' : 'a'));
    expect((await findings(app(mistyped)))['access']).toMatch(/^error: .*checksum/);
    const { key } = await json<{ key: string }>(place, 'keys', 'create', 'gone', '--scopes', 'read');
    expect((await findings(app(key)))['access']).toMatch(/^ok/);
    await run(place, 'keys', 'revoke', 'gone');
    expect((await findings(app(key)))['access']).toMatch(/^error: .*revoked/);
    expect((await run(app(key), 'doctor')).exit).toBe(1);
  });

  it('finds a backend that is away, and an address that is none', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.close();
    await once(server, 'close');
    const found = await findings(away({ AGENTKAVACH_URL: url }));
    expect(found['backend']).toBe(
      `error: ${url} can't be reached (ECONNREFUSED). Is it running, and is the address right?`,
    );
    expect((await findings(away({ AGENTKAVACH_URL: 'hello' })))['backend']).toContain(
      'error: AGENTKAVACH_URL is no address',
    );
  });

  it.each([
    [7_200_000, 'ahead of'],
    [-7_200_000, 'behind'],
  ])('finds a clock that is %i ms off', async (offset, how) => {
    const found = await findings({ ...app(place.stack.keys.sdk), now: () => Date.now() + offset });
    expect(found['clock']).toMatch(new RegExp(`^warning: This machine's clock is 7[12]\\d\\d s ${how} the backend's`));
  });

  it('finds a database whose time zones are not those of Node', async () => {
    expect(await findings(place)).not.toHaveProperty('time zones');
    const berlin = { timeZone: 'Europe/Berlin' };
    await connect(place.stack, 'bot', [
      budget('a', 1e9),
      budget('b', 1e9, berlin),
      budget('c', 1e9, { ...berlin, scope: 'shared', name: 'team', period: 'weekly' }),
    ]);
    expect((await findings(place))['time zones']).toMatch(/^ok: the database agrees with Node \S+ on Europe\/Berlin$/);
    // As if the database knew no zones at all.
    const ignorant: typeof fetch = async (url, init) => {
      const response = await fetch(url, init);
      if (!String(url).includes('/budgets')) return response;
      const { items } = (await response.json()) as { items: { timeZone: string; windowStart: string }[] };
      const midnight = (at: string) => `${at.slice(0, 10)}T00:00:00.000Z`;
      const wrong = items.map((one) => ({ ...one, windowStart: midnight(one.windowStart) }));
      return Response.json({ items: wrong, nextCursor: null });
    };
    const found = await findings({ cwd: place.cwd, fetch: ignorant });
    expect(found['time zones']).toMatch(/^warning: The database and Node \S+ disagree on when windows begin: /);
    expect(found['time zones']).toContain('bot daily in Europe/Berlin');
    expect(found['time zones']).toContain('shared team weekly in Europe/Berlin');
    expect(found['time zones']).not.toContain('UTC;');
  });

  it('finds old prices', async () => {
    const found = await findings({ ...away(), now: () => Date.now() + 90 * 86_400_000 });
    expect(found['prices']).toMatch(/^warning: of \d{4}-\d\d-\d\d, \d+ days old\. Update/);
  });

  it('finds variables that nothing reads, and shows no values', async () => {
    const env = { AGENTKAVACH_BUDGETS: 'secret', AGENTKAVACH_BUDGET: 'daily:5', AGENTKAVACH_MAX_CALLS_PER_RUN: '' };
    const found = await findings(away(env));
    expect(found['variables']).toMatch(
      /^warning: Nothing reads AGENTKAVACH_BUDGETS\. Did you mean AGENTKAVACH_BUDGET\? There are: /,
    );
    expect(found['variables']).not.toContain('secret');
    const all = found['variables']!.split('There are: ')[1]!.replace('.', '').split(', ');
    expect(all).toEqual(
      expect.arrayContaining(['AGENTKAVACH_API_KEY', 'AGENTKAVACH_OPERATOR_KEY', 'AGENTKAVACH_MAX_USD_PER_MINUTE']),
    );
  });

  it('names the nearest variable, but does not guess', async () => {
    const found = await findings(away({ AGENTKAVACH_WAITMS: '5', AGENTKAVACH_TEAM: 'x' }));
    expect(found['variables']).toContain('Nothing reads AGENTKAVACH_WAITMS. Did you mean AGENTKAVACH_WAIT_MS?');
    expect(found['variables']).toContain('Nothing reads AGENTKAVACH_TEAM. Is it misspelt?');
  });

  it.each([
    [{ AGENTKAVACH_BUDGET: '5 dollars' }, 'AGENTKAVACH_BUDGET must be a list such as daily:50'],
    [{ AGENTKAVACH_WAIT_MS: '-1', AGENTKAVACH_BUGDET: 'daily:5' }, 'AGENTKAVACH_WAIT_MS: waitMs must be'],
    [{ AGENTKAVACH_MODE: 'strict' }, "AGENTKAVACH_MODE: mode must be one of 'hard', 'soft', 'observe'"],
  ])('finds values that a guard refuses: %o', async (env, fault) => {
    const found = await findings(away(env));
    expect(found['variables']).toContain(`error: An app with this environment does not start: ${fault}`);
  });
});
