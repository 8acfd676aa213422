import { describe, expect, it } from 'vitest';
import { liveLink as live } from '../../test/backend/control/link-fixture.ts';
import { settled } from '../../test/backend/control/fake-time.ts';
import { BackendError } from '../wire/backend-error.ts';

const down = new BackendError('connect: down', 'unavailable');

describe('messages', () => {
  it('pass once, and only when they are newer', async () => {
    const { backend, channel, heard, link, time } = await live();
    const kill = backend.change(true);
    const resume = backend.change(false);
    channel.onMessage({ type: 'kill', ...kill });
    channel.onMessage({ type: 'resume', ...resume });
    channel.onMessage({ type: 'kill', ...kill });
    link.observe(kill);
    link.observe(resume);
    await time.pass(60_000);
    expect(heard.filter((each) => !each.startsWith('connect'))).toEqual(['killed 1', 'running 2']);
  });

  it('of other agents are left out', async () => {
    const { channel, heard, link } = await live();
    channel.onMessage({ type: 'kill', agent: 'other', killed: true, epoch: 9, reason: null, by: null });
    link.observe({ agent: 'other', killed: true, epoch: 9, reason: null, by: null });
    await settled();
    expect(heard).toEqual([]);
  });

  it('make the link ask again where one before them was missed', async () => {
    const { backend, channel, heard } = await live();
    backend.change(true);
    const before = backend.connects;
    channel.onMessage({ type: 'resume', ...backend.change(false) });
    await settled();
    expect(backend.connects).toBe(before + 1);
    expect(heard).toEqual(['running 2', 'connect 1000 0']);
  });

  it('change the limits of this agent alone', async () => {
    const { channel, heard, backend } = await live();
    channel.onMessage({ type: 'limit', budgetId: backend.budgetId, limit: 2_000, managedBy: 'operator' });
    channel.onMessage({ type: 'limit', budgetId: 'of-another-agent', limit: 1, managedBy: 'operator' });
    expect(heard).toEqual(['limit 2000 by operator']);
  });

  it('about a limit are not undone by an answer that was written before them', async () => {
    const { channel, heard, backend, link } = await live();
    backend.isSlow = true;
    void link.refresh();
    await settled();
    backend.limit = 2_000;
    channel.onMessage({ type: 'limit', budgetId: backend.budgetId, limit: 2_000, managedBy: 'operator' });
    backend.isSlow = false;
    backend.answer();
    await settled();
    expect(heard).toEqual(['limit 2000 by operator', 'connect 1000 0', 'connect 2000 0']);
  });
});

describe('a backend that was set back', () => {
  it('has its next kills obeyed, and lifts none by itself', async () => {
    const { backend, channel, heard, link } = await live();
    for (const killed of [true, false, true])
      channel.onMessage({ type: killed ? 'kill' : 'resume', ...backend.change(killed) });
    heard.length = 0;
    backend.state = { ...backend.state, killed: false, epoch: 0 };
    await link.refresh();
    expect(heard).toEqual(['connect 1000 0']);
    channel.onMessage({ type: 'kill', ...backend.change(true) });
    channel.onMessage({ type: 'resume', ...backend.change(false) });
    expect(heard.slice(1)).toEqual(['killed 1', 'running 2']);
  });

  it('tells a kill that it holds', async () => {
    const { backend, channel, heard, link } = await live();
    for (const killed of [true, false, true, false])
      channel.onMessage({ type: killed ? 'kill' : 'resume', ...backend.change(killed) });
    backend.state = { ...backend.state, killed: true, epoch: 1 };
    await link.refresh();
    expect(heard.at(-1)).toBe('killed 1');
  });

  it('is not seen in an answer that a broadcast overtook', async () => {
    const { backend, channel, heard, link } = await live();
    backend.isSlow = true;
    const asked = link.refresh();
    await settled();
    channel.onMessage({ type: 'kill', ...backend.change(true) });
    backend.answer();
    await asked;
    link.observe(backend.state);
    expect(heard.filter((each) => each === 'killed 1')).toHaveLength(1);
  });
});

describe('grants', () => {
  it('are the newest, and fetched where they are about to end', async () => {
    const { backend, channel, time } = await live();
    const before = backend.connects;
    const first = await channel.grant();
    expect(backend.connects).toBe(before);
    time.advance(550_000); // no timer has run
    const second = await channel.grant();
    expect(backend.connects).toBe(before + 1);
    expect(second.expiresAt).toBeGreaterThan(first.expiresAt);
  });

  it('fail where the backend is away', async () => {
    const { backend, channel, time } = await live();
    backend.failure = down;
    time.advance(700_000);
    await expect(channel.grant()).rejects.toThrow(BackendError);
  });
});

describe('one connect at a time', () => {
  it('has those who ask meanwhile wait for one more', async () => {
    const { backend, link } = await live();
    backend.isSlow = true;
    const before = backend.connects;
    const asked = [link.refresh(), link.refresh(), link.refresh()];
    await settled();
    expect([backend.connects - before, backend.waiting]).toEqual([1, 1]);
    backend.answer();
    await asked[0];
    await settled();
    expect([backend.connects - before, backend.waiting]).toEqual([2, 1]);
    backend.answer();
    await Promise.all(asked);
    expect(backend.connects - before).toBe(2);
  });
});

describe('close', () => {
  it('ends the request under way, the channel and the timers, and says nothing more', async () => {
    const { backend, link, time, channel, channels, heard } = await live();
    backend.isSlow = true;
    void link.refresh();
    void link.refresh();
    await settled();
    await link.close();
    expect(link.state).toBe('closed');
    expect(channels[0]!.isOpen).toBe(false);
    expect(time.pending).toBe(0);
    const before = backend.connects;
    channel.onMessage({ type: 'kill', ...backend.change(true) });
    channel.onState('live');
    channel.onState('lost');
    link.observe(backend.state);
    link.start();
    await link.refresh();
    await time.pass(100_000);
    expect(heard).toEqual([]);
    expect(backend.connects).toBe(before);
    expect(time.pending).toBe(0);
  });
});
