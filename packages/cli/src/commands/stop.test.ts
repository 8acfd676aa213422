import { beforeAll, describe, expect, it } from 'vitest';
import { backend, connect } from '../testing/backend.ts';
import { json, run } from '../testing/terminal.ts';

const place = backend();
beforeAll(async () => {
  await connect(place.stack, 'bot');
});

describe('kill and resume', () => {
  it('stop an agent and let it run again', async () => {
    const killed = await run(place, 'kill', 'bot');
    expect(killed).toMatchObject({ exit: 0, err: '' });
    expect(killed.out).toBe(
      'Agent bot is stopped: its calls in flight are aborted, new ones are refused.\nIt runs again after: agentkavach resume bot',
    );
    expect((await connect(place.stack, 'bot')).state).toMatchObject({ killed: true, reason: 'manual' });
    expect((await run(place, 'status')).out).toMatch(/^bot +stopped \(manual by ak_dev_\w{5}\) /m);
    expect(await run(place, 'resume', 'bot')).toEqual({ exit: 0, out: 'Agent bot may run again.', err: '' });
    expect((await connect(place.stack, 'bot')).state.killed).toBe(false);
  });

  it('say where there was nothing to change', async () => {
    await run(place, 'kill', 'bot', '--reason', 'cost');
    const again = await run(place, 'kill', 'bot');
    expect(again).toMatchObject({ exit: 0, err: '' });
    expect(again.out).toMatch(
      /^Agent bot was stopped already \(cost by ak_dev_\w{5}\)\. This stop takes its place: its calls in flight are aborted, new ones are refused\.\n/,
    );
    expect(await json(place, 'kill', 'bot')).toMatchObject({
      killed: true,
      before: { killed: true, reason: 'manual' },
    });
    await run(place, 'resume', 'bot');
    expect((await run(place, 'resume', 'bot')).out).toBe('Agent bot was not stopped, and may run.');
    expect((await run(place, 'kill', 'bot')).out).toMatch(/^Agent bot is stopped: /);
    await run(place, 'resume', 'bot');
  });

  it('work with a backend that does not tell how the agent was before', async () => {
    const env = { AGENTKAVACH_URL: 'https://example.com', AGENTKAVACH_OPERATOR_KEY: 'ak_dev_x' };
    const state = { agent: 'bot', killed: true, epoch: 1, reason: 'manual', by: null };
    const older = { ...place, env, fetch: () => Promise.resolve(Response.json(state)) };
    expect((await run(older, 'kill', 'bot')).out).toMatch(/^Agent bot is stopped: /);
    expect((await run(older, 'resume', 'bot')).out).toBe('Agent bot may run again.');
  });

  it('say what a reason does to calls in flight', async () => {
    const { out } = await run(place, 'kill', 'bot', '--reason', 'cost');
    expect(out).toContain('its calls in flight run to their end');
    expect((await connect(place.stack, 'bot')).state.reason).toBe('cost');
  });

  it('print the state for programs', async () => {
    expect(await json(place, 'kill', 'bot')).toMatchObject({ agent: 'bot', killed: true, reason: 'manual' });
    expect(await json(place, 'resume', 'bot')).toMatchObject({ agent: 'bot', killed: false, reason: null });
  });

  const HINT = 'agentkavach status shows those that have connected.';
  it.each(['nobody', 'no body/../x', 'ü'])('do not know %s', async (name) => {
    for (const command of ['kill', 'resume']) {
      const { exit, err } = await run(place, command, name);
      expect([exit, err]).toEqual([5, `There is no agent "${name}" in the organisation. ${HINT}`]);
    }
    expect(await json(place, 'kill', name)).toMatchObject({ error: { code: 'agent_not_found' } });
  });
});
