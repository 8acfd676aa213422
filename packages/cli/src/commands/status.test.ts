import { describe, expect, it } from 'vitest';
import { backend, budget, connect, report } from '../testing/backend.ts';
import { json, run } from '../testing/terminal.ts';

const place = backend();

describe('status', () => {
  it('says what to do while no agent has connected', async () => {
    const { exit, out } = await run(place, 'status');
    expect(exit).toBe(0);
    expect(out).toBe('No agent has connected yet. Give your app AGENTKAVACH_URL and AGENTKAVACH_API_KEY.');
    expect(await json(place, 'status')).toEqual({ agents: [], budgets: [] });
  });

  it('shows agents, and what is left of budgets', async () => {
    await connect(place.stack, 'bot', [
      budget('a', 50e9),
      budget('b', 1_000_000, { unit: 'tokens', name: 'words' }),
      budget('c', 200e9, { scope: 'shared', name: 'team' }),
    ]);
    await report(place.stack, 'bot', {});
    const { exit, out } = await run(place, 'status');
    expect(exit).toBe(0);
    expect(out).toMatch(/^AGENT\s+STATE\s+LAST SEEN\nbot\s+running\s+\d+ s ago\n\n/);
    expect(out).toMatch(
      /^daily +bot +\$0\.012346 +\$0\.00 +\$50\.00 +\$49\.987654 \(99 %\) +\d{4}-\d\d-\d\d 00:00 UTC +code$/m,
    );
    expect(out).toMatch(/^words \(daily\) +bot +1,234 tokens +0 tokens +1,000,000 tokens +998,766 tokens \(99 %\) /m);
    expect(out).toMatch(/^team \(daily\) +shared/m);
    const shown = await json<{ agents: unknown[]; budgets: unknown[] }>(place, 'status');
    expect([shown.agents.length, shown.budgets.length]).toEqual([1, 3]);
  });

  it('shows one agent', async () => {
    const { exit, out } = await run(place, 'status', 'bot');
    expect(exit).toBe(0);
    expect(out).toContain('words (daily)');
    expect(out).not.toContain('team');
    expect(await json(place, 'status', 'bot')).toMatchObject({ name: 'bot', killed: false });
    const missing = await run(place, 'status', 'nobody');
    expect(missing.exit).toBe(5);
    expect(missing.err).toMatch(/no such agent .*\. agentkavach status shows those that have connected\.$/);
  });

  it('shows what keeps an agent from going on, the gravest first', async () => {
    const stateOf = async (agent: string): Promise<string> =>
      (await run(place, 'status', agent)).out.split('\n')[1]!.replace(/^\S+ +(.*?) +\d+ s ago$/, '$1');
    await connect(place.stack, 'poor', [budget('d', 1e9)]);
    expect(await stateOf('poor')).toBe('running');
    await report(place.stack, 'poor', { nano: 1e9 });
    expect(await stateOf('poor')).toMatch(/^budget spent \(daily, resets \d{4}-\d\d-\d\d 00:00 UTC\)$/);
    await connect(place.stack, 'poorer', [budget('t', 1e9, { period: 'total', name: 'life' })]);
    await report(place.stack, 'poorer', { nano: 2e9 });
    expect(await stateOf('poorer')).toBe('budget spent (life total, does not reset)');

    const { key } = await json<{ key: string }>(place, 'keys', 'create', 'short-lived');
    await connect({ ...place.stack, keys: { ...place.stack.keys, sdk: key } }, 'keyed', [budget('d', 1e9)]);
    expect(await stateOf('keyed')).toBe('running');
    await run(place, 'keys', 'revoke', 'short-lived');
    expect(await stateOf('keyed')).toMatch(/^key refused since \d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
    await run(place, 'kill', 'keyed');
    expect(await stateOf('keyed')).toMatch(/^stopped \(manual by ak_dev_/);
  });

  it('is not steered by the name of an agent', async () => {
    await connect(place.stack, 'evil\u202e2J');
    expect((await run(place, 'status')).out).not.toMatch(/\u202e/u);
  });

  it('asks the backend that is named, with the key of the environment', async () => {
    const { url, keys } = place.stack;
    const elsewhere = { cwd: '/', env: { AGENTKAVACH_URL: `${url}/`, AGENTKAVACH_OPERATOR_KEY: keys.operator } };
    expect((await run(elsewhere, 'status')).exit).toBe(0);
    expect((await run({ cwd: '/' }, 'status', '--data', `${place.cwd}/.kavach`)).exit).toBe(0);
    const app = { cwd: '/', env: { AGENTKAVACH_URL: url, AGENTKAVACH_API_KEY: keys.sdk } };
    const refused = await run(app, 'status');
    expect(refused.exit).toBe(4);
    expect(refused.err).toContain('scope "read"');
    // What dev prints for the app does not keep its operator from the same machine.
    expect((await run({ ...app, cwd: place.cwd }, 'status')).exit).toBe(0);
  });
});
