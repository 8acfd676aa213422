import { beforeAll, describe, expect, it } from 'vitest';
import { backend, budget, connect } from '../testing/backend.ts';
import { json, run } from '../testing/terminal.ts';

const place = backend();
const BUDGETS = [
  budget('daily', 50e9),
  budget('tokens', 1_000_000, { unit: 'tokens' }),
  budget('named', 9e9, { name: 'night' }),
  budget('hourly', 100, { unit: 'calls', period: 'hourly' }),
  budget('team', 200e9, { scope: 'shared', name: 'team' }),
  budget('org', 900e9, { scope: 'org', period: 'monthly' }),
];
const limits = async () =>
  Object.fromEntries((await connect(place.stack, 'bot', BUDGETS)).budgets.map(({ id, limit }) => [id, limit]));
beforeAll(limits);

const set = (...words: string[]) => run(place, 'budget', 'set', ...words);

describe('budget set', () => {
  it('changes a limit for every process', async () => {
    const { exit, out, err } = await set('bot', 'hourly', '250');
    expect([exit, err]).toEqual([0, '']);
    expect(out.split('\n')[0]).toBe('bot hourly: the limit is 250 calls now (it was 100 calls), in every process.');
    expect(out).toMatch(/agentkavach budget release bot hourly$/);
    expect(await limits()).toMatchObject({ hourly: 250 });
  });

  it('finds a budget by its name, a pool by its name or period', async () => {
    expect((await set('bot', 'night', '12.5')).out).toContain('bot night (daily): the limit is $12.50 now');
    expect((await set('shared', 'team', '100')).exit).toBe(0);
    expect((await set('shared', 'daily', '150')).out).toContain('(it was $100.00)');
    expect((await set('org', 'monthly', '2000')).exit).toBe(0);
    expect(await limits()).toMatchObject({ named: 12.5e9, team: 150e9, org: 2_000e9, daily: 50e9 });
  });

  it('asks which one, where two have the same period', async () => {
    const unclear = await set('bot', 'daily', '75');
    expect(unclear.exit).toBe(2);
    expect(unclear.err).toMatch(
      /^bot has 2 budgets "daily": daily \((usd|tokens), id \S+\), daily \(\w+, id \S+\)\. Name/,
    );
    expect(await limits()).toMatchObject({ daily: 50e9, tokens: 1_000_000 });
    const words = await set('bot', 'daily', '2000000', '--unit', 'tokens');
    expect(words.out).toMatch(/agentkavach budget release bot daily --unit tokens$/);
    const id = /usd, id ([0-9a-f-]+)/.exec(unclear.err)?.[1] ?? '';
    expect((await set('bot', id, '75')).exit).toBe(0);
    expect(await limits()).toMatchObject({ daily: 75e9, tokens: 2_000_000 });
  });

  it('says what there is, where it finds nothing', async () => {
    const weekly = await set('bot', 'weekly', '1');
    expect(weekly.exit).toBe(5);
    expect(weekly.err).toContain('bot has no budget "weekly". It has: ');
    expect(weekly.err).toContain('night (daily) (usd, id ');
    expect((await set('bot', 'hourly', '1', '--unit', 'usd')).err).toContain('no budget "hourly" in usd');
    expect(await set('nobody', 'daily', '1')).toEqual({
      exit: 5,
      out: '',
      err: 'nobody has no budgets. agentkavach status shows agents and budgets.',
    });
  });

  it('passes on why the backend refuses a limit', async () => {
    const half = await set('bot', 'hourly', '1.5');
    expect(half.exit).toBe(1);
    expect(half.err).toContain('A limit is a whole number of calls');
  });

  it('prints what it did for programs', async () => {
    expect(await json(place, 'budget', 'set', 'shared', 'team', '300')).toMatchObject({
      unit: 'usd',
      limit: 300,
      was: 150,
    });
  });
});

describe('budget release', () => {
  const release = (...words: string[]) => run(place, 'budget', 'release', ...words);

  it('hands a limit back to the code', async () => {
    await set('bot', 'night', '77');
    const { exit, out, err } = await release('bot', 'night');
    expect([exit, err]).toEqual([0, '']);
    expect(out).toBe(
      'bot night (daily): code manages the limit again. It is $9.00 now (it was $77.00), in every process.',
    );
    expect(await limits()).toMatchObject({ named: 9e9 });
    const moved = BUDGETS.map((one) => (one.id === 'named' ? { ...one, limit: 11e9 } : one));
    const { budgets } = await connect(place.stack, 'bot', moved);
    expect(budgets.find(({ id }) => id === 'named')).toMatchObject({ limit: 11e9 });
    expect(await json(place, 'budget', 'release', 'shared', 'team')).toMatchObject({ limit: 200, managedBy: 'code' });
  });

  it('passes on that there is no limit in code to go back to', async () => {
    const { url, keys } = place.stack;
    await fetch(`${url}/functions/v1/budgets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.operator}`, 'content-type': 'application/json' },
      body: JSON.stringify({ scope: 'shared', name: 'made by hand', period: 'daily', limit: 5 }),
    });
    const refused = await release('shared', 'made by hand');
    expect([refused.exit, refused.err]).toEqual([1, expect.stringContaining('No code has declared this budget')]);
  });
});
