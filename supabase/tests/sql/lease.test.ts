import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cell, startFixture, type Fixture } from './testing/fixture.ts';
import { AgentCalls, budget, DOLLAR } from './testing/wire.ts';

let fixture: Fixture;
let agent: AgentCalls;
let pools = 0;

beforeAll(async () => {
  fixture = await startFixture();
  agent = new AgentCalls(fixture);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** A shared budget that never ends. @returns its id */
async function pool(limit: number, name = 'bot'): Promise<string> {
  const shared = budget({ id: 'pool', scope: 'shared', name: `pool-${++pools}`, period: 'total', limit });
  return (await agent.connect(name, [shared])).budgets[0]!.budgetId;
}

async function windowOf(budgetId: string): Promise<{ spent: number; leased: number; estimated: number }> {
  const [row] = await fixture.admin`
    select spent::float8, leased::float8, estimated::float8 from kavach.budget_windows where budget_id = ${budgetId}`;
  return { spent: row!['spent'], leased: row!['leased'], estimated: row!['estimated'] };
}

/** Lets the time pass after which a lease may be taken back. */
async function fallSilent(leaseId: string): Promise<void> {
  await fixture.admin`update kavach.leases set reclaim_at = now() - interval '1 second' where id = ${leaseId}`;
}

function expire(): Promise<number> {
  return cell(fixture.pool`select private.expire_leases() as n`);
}

describe('a lease', () => {
  it('gets a quarter of what is free, or what it needs, and never more than it wants', async () => {
    const budgetId = await pool(100 * DOLLAR);
    const first = await agent.lease('bot', { budgetId, want: 80 * DOLLAR });
    expect(first).toMatchObject({
      state: 'open',
      granted: 25 * DOLLAR,
      spent: 0,
      heldByOthers: 0,
      limit: 100 * DOLLAR,
    });
    expect(first.expiresInMs).toBeGreaterThan(50_000);
    expect(first.expiresInMs).toBeLessThanOrEqual(60_000);
    const second = await agent.lease('bot', { budgetId, want: 80 * DOLLAR, need: 60 * DOLLAR });
    expect(second).toMatchObject({ granted: 60 * DOLLAR, heldByOthers: 25 * DOLLAR });
    const third = await agent.lease('bot', { budgetId, want: 1 * DOLLAR });
    expect(third.granted).toBe(1 * DOLLAR);
    expect(await windowOf(budgetId)).toEqual({ spent: 0, leased: 86, estimated: 0 });
  });

  it('grants the last nano-dollar to who needs it, and nothing to who needs more', async () => {
    const budgetId = await pool(DOLLAR);
    expect(await agent.lease('bot', { budgetId, need: DOLLAR + 1, want: 2 * DOLLAR })).toMatchObject({
      state: 'open',
      granted: 0,
    });
    expect(await agent.lease('bot', { budgetId, need: DOLLAR, want: 2 * DOLLAR })).toMatchObject({ granted: DOLLAR });
    expect(await agent.lease('bot', { budgetId, need: 1, want: DOLLAR })).toMatchObject({
      granted: 0,
      heldByOthers: DOLLAR,
    });
  });

  it('grows and shrinks as it is renewed, and keeps what its holder relies on', async () => {
    const budgetId = await pool(100 * DOLLAR);
    const leaseId = randomUUID();
    await agent.lease('bot', { budgetId, leaseId, want: 40 * DOLLAR, need: 40 * DOLLAR });
    const grown = await agent.lease('bot', {
      budgetId,
      leaseId,
      seq: 2,
      used: 30 * DOLLAR,
      hold: 35 * DOLLAR,
      want: 60 * DOLLAR,
    });
    // 30 are spent, 70 are free: a quarter on top.
    expect(grown).toMatchObject({ seq: 2, granted: 47.5 * DOLLAR, spent: 30 * DOLLAR });
    const shrunk = await agent.lease('bot', {
      budgetId,
      leaseId,
      seq: 3,
      used: 30 * DOLLAR,
      hold: 42 * DOLLAR,
      want: 31 * DOLLAR,
    });
    expect(shrunk.granted).toBe(42 * DOLLAR);
    expect(await windowOf(budgetId)).toEqual({ spent: 30, leased: 12, estimated: 0 });
    const closed = await agent.lease('bot', { budgetId, leaseId, seq: 4, used: 41 * DOLLAR, close: true });
    expect(closed).toMatchObject({ state: 'closed', spent: 41 * DOLLAR, heldByOthers: 0 });
    expect(await windowOf(budgetId)).toEqual({ spent: 41, leased: 0, estimated: 0 });
  });

  it('is told that others wait for what is not there, and gets nothing ahead of need meanwhile', async () => {
    const budgetId = await pool(10 * DOLLAR);
    const holder = { budgetId, leaseId: randomUUID() };
    const waiter = { budgetId, leaseId: randomUUID(), need: 9.5 * DOLLAR, want: 10 * DOLLAR };
    const first = await agent.lease('bot', { ...holder, want: DOLLAR, need: DOLLAR });
    expect(first.othersWait).toBe(false);
    expect(await agent.lease('bot', waiter)).toMatchObject({ granted: 0, othersWait: false });
    const own = { ...holder, hold: DOLLAR, want: 6 * DOLLAR, need: 1.2 * DOLLAR };
    expect(await agent.lease('bot', { ...own, seq: 2 })).toMatchObject({ granted: 1.2 * DOLLAR, othersWait: true });
    const back = { ...holder, hold: DOLLAR / 2, want: DOLLAR / 2 };
    expect(await agent.lease('bot', { ...back, seq: 3 })).toMatchObject({ granted: DOLLAR / 2, othersWait: true });
    expect((await agent.lease('bot', { ...waiter, seq: 2 })).granted).toBe(9.5 * DOLLAR);
    await agent.lease('bot', { ...waiter, seq: 3, used: 2 * DOLLAR, want: 2 * DOLLAR, close: true });
    // Nobody waits any more: a quarter of what is free again.
    const last = await agent.lease('bot', { ...holder, seq: 4, want: 3 * DOLLAR });
    expect(last).toMatchObject({ granted: 2 * DOLLAR, othersWait: false });
  });

  it('takes nobody to wait who has fallen silent, is stopped, or waits itself', async () => {
    const budgetId = await pool(10 * DOLLAR, 'halted');
    const holder = { budgetId, leaseId: randomUUID(), want: 4 * DOLLAR, need: 4 * DOLLAR };
    await agent.lease('bot', holder);
    const waiter = { budgetId, leaseId: randomUUID(), need: 7 * DOLLAR };
    await fixture.pool`select kavach.kill_agent(${fixture.org}, 'halted')`;
    await agent.lease('halted', waiter);
    expect((await agent.lease('bot', { ...holder, seq: 2 })).othersWait).toBe(false);
    await fixture.pool`select kavach.resume_agent(${fixture.org}, 'halted')`;
    await agent.lease('halted', { ...waiter, seq: 2 });
    expect((await agent.lease('halted', { ...waiter, seq: 3 })).othersWait).toBe(false);
    expect((await agent.lease('bot', { ...holder, seq: 3 })).othersWait).toBe(true);
    await fixture.admin`
      update kavach.budget_windows set wanted_until = wanted_until - interval '2 seconds' where budget_id = ${budgetId}`;
    expect((await agent.lease('bot', { ...holder, seq: 4 })).othersWait).toBe(false);
  });

  it('never relies on a hold above its grant', async () => {
    const budgetId = await pool(10 * DOLLAR);
    const leaseId = randomUUID();
    await agent.lease('bot', { budgetId, leaseId, want: DOLLAR, need: DOLLAR });
    const answer = await agent.lease('bot', { budgetId, leaseId, seq: 2, hold: 50 * DOLLAR, want: 50 * DOLLAR });
    expect(answer.granted).toBe(2.5 * DOLLAR);
  });

  it('changes nothing for a request that comes again or out of order', async () => {
    const budgetId = await pool(100 * DOLLAR);
    const leaseId = randomUUID();
    const request = { budgetId, leaseId, seq: 5, want: 8 * DOLLAR, need: 8 * DOLLAR, used: 3 * DOLLAR };
    const first = await agent.lease('bot', request);
    const again = await agent.lease('bot', request);
    expect({ ...again, expiresInMs: 0 }).toEqual({ ...first, expiresInMs: 0 });
    // Not even where it would get something else by now.
    await agent.lease('bot', { budgetId, leaseId: randomUUID(), want: 92 * DOLLAR, need: 92 * DOLLAR });
    const afterwards = await agent.lease('bot', { ...request, used: 4 * DOLLAR, want: 4 * DOLLAR });
    expect(afterwards).toMatchObject({ granted: first.granted, spent: first.spent, heldByOthers: 92 * DOLLAR });
    const late = await agent.lease('bot', {
      ...request,
      seq: 4,
      used: 1 * DOLLAR,
      want: 50 * DOLLAR,
      need: 50 * DOLLAR,
    });
    expect({ ...late, expiresInMs: 0 }).toEqual({ ...afterwards, expiresInMs: 0 });
    expect(await windowOf(budgetId)).toEqual({ spent: 3, leased: 97, estimated: 0 });
    await agent.lease('bot', { ...request, seq: 6, used: 2 * DOLLAR });
    expect((await windowOf(budgetId)).spent).toBe(3);
    await agent.lease('bot', { ...request, seq: 7, used: 4 * DOLLAR, close: true });
    const afterClose = await agent.lease('bot', { ...request, seq: 8, used: 9 * DOLLAR });
    expect(afterClose).toMatchObject({ state: 'closed', spent: 4 * DOLLAR });
  });

  it('is closed by a request that comes before the one that opens it', async () => {
    const budgetId = await pool(10 * DOLLAR);
    const leaseId = randomUUID();
    const close = { budgetId, leaseId, seq: 2, used: DOLLAR, want: DOLLAR, close: true };
    expect(await agent.lease('bot', close)).toMatchObject({ state: 'closed', spent: DOLLAR, limit: 10 * DOLLAR });
    expect(await agent.lease('bot', close)).toMatchObject({ state: 'closed', spent: DOLLAR });
    const late = await agent.lease('bot', { budgetId, leaseId, seq: 1, want: 4 * DOLLAR, need: 4 * DOLLAR });
    expect(late).toMatchObject({ state: 'closed', granted: 0 });
    expect(await windowOf(budgetId)).toEqual({ spent: 1, leased: 0, estimated: 0 });
  });

  it('books the truth when more was used than granted', async () => {
    const budgetId = await pool(10 * DOLLAR);
    const leaseId = randomUUID();
    await agent.lease('bot', { budgetId, leaseId, want: 2 * DOLLAR, need: 2 * DOLLAR });
    await agent.lease('bot', { budgetId, leaseId, seq: 2, used: 12 * DOLLAR, want: 12 * DOLLAR });
    expect(await windowOf(budgetId)).toEqual({ spent: 12, leased: 0, estimated: 0 });
    expect(await agent.lease('bot', { budgetId, need: 1 })).toMatchObject({ granted: 0, spent: 12 * DOLLAR });
  });

  it('is taken back when its holder falls silent: the rest counts as spent, as an estimate', async () => {
    const budgetId = await pool(10 * DOLLAR);
    const leaseId = randomUUID();
    await agent.lease('bot', { budgetId, leaseId, want: 4 * DOLLAR, need: 4 * DOLLAR, used: DOLLAR });
    expect(await expire()).toBe(0);
    await fallSilent(leaseId);
    expect(await expire()).toBe(1);
    expect(await expire()).toBe(0);
    expect(await windowOf(budgetId)).toEqual({ spent: 4, leased: 0, estimated: 3 });
    expect(await agent.lease('bot', { budgetId, leaseId, seq: 2, used: 2 * DOLLAR })).toMatchObject({ state: 'lost' });
    // The holder lives and knows what it used.
    expect(await agent.lease('bot', { budgetId, leaseId, seq: 3, used: 2 * DOLLAR, close: true })).toMatchObject({
      state: 'closed',
      spent: 2 * DOLLAR,
    });
    expect(await windowOf(budgetId)).toEqual({ spent: 2, leased: 0, estimated: 0 });
    await agent.lease('bot', { budgetId, leaseId, seq: 4, used: 2 * DOLLAR, close: true });
    expect((await windowOf(budgetId)).spent).toBe(2);
  });

  it('goes on when it is renewed after its expiry and before it is taken back', async () => {
    const budgetId = await pool(10 * DOLLAR);
    const leaseId = randomUUID();
    await agent.lease('bot', { budgetId, leaseId });
    await fixture.admin`update kavach.leases set expires_at = now() - interval '1 second' where id = ${leaseId}`;
    const answer = await agent.lease('bot', { budgetId, leaseId, seq: 2 });
    expect(answer.state).toBe('open');
    expect(answer.expiresInMs).toBeGreaterThan(50_000);
    const [row] = await fixture.admin`
      select extract(epoch from reclaim_at - expires_at)::float8 as grace from kavach.leases where id = ${leaseId}`;
    expect(row!['grace']).toBe(610);
  });

  it('takes its length from the settings of the database', async () => {
    const budgetId = await pool(10 * DOLLAR);
    const answer = await fixture.call<{ leases: { expiresInMs: number }[] }>(agent.claims, (sql) => {
      const lease = { budgetId, leaseId: randomUUID(), seq: 1, windowStart: null, used: 0, hold: 0, want: 1, need: 0 };
      const request = { instance: randomUUID(), agent: 'bot', leases: [{ ...lease, maxCallMs: 0, close: false }] };
      return sql`
        with length as materialized (select set_config('kavach.lease_seconds', '2', true))
        select private.leases(${sql.json(request)}) from length`;
    });
    expect(answer.leases[0]!.expiresInMs).toBeLessThanOrEqual(2_000);
  });

  it('gets nothing new while its agent is stopped, and gives back what it does not need', async () => {
    const budgetId = await pool(10 * DOLLAR, 'stopped');
    const leaseId = randomUUID();
    await agent.lease('stopped', { budgetId, leaseId, want: 4 * DOLLAR, need: 4 * DOLLAR });
    await fixture.pool`select kavach.kill_agent(${fixture.org}, 'stopped')`;
    const answer = await agent.leases('stopped', [
      { budgetId, leaseId, seq: 2, used: DOLLAR, hold: 2 * DOLLAR, want: 8 * DOLLAR, need: 3 * DOLLAR },
      { budgetId, need: DOLLAR },
    ]);
    expect(answer.state).toMatchObject({ killed: true, reason: 'manual' });
    expect(answer.leases.map(({ granted }) => granted)).toEqual([2 * DOLLAR, 0]);
    await fixture.pool`select kavach.resume_agent(${fixture.org}, 'stopped')`;
    expect((await agent.lease('stopped', { budgetId, need: DOLLAR })).granted).toBe(DOLLAR);
  });

  it('is lost for a budget that is not shared, not known, or another organisation’s', async () => {
    const own = (await agent.connect('bot', [budget()])).budgets[0]!.budgetId;
    const rival = new AgentCalls(fixture, fixture.otherOrg);
    const theirs = (await rival.connect('bot', [budget({ scope: 'org', period: 'total' })])).budgets[0]!.budgetId;
    const answer = await agent.leases(
      'bot',
      [own, theirs, randomUUID()].map((budgetId) => ({ budgetId })),
    );
    expect(answer.leases.map(({ state, limit }) => [state, limit])).toEqual([['lost', 0], ['lost', 0], ['lost', 0]]); // prettier-ignore
    const leaseId = randomUUID();
    await rival.lease('bot', { budgetId: theirs, leaseId, want: DOLLAR });
    // The same lease id in two organisations is two leases.
    expect((await agent.lease('bot', { budgetId: await pool(DOLLAR), leaseId, want: 1 })).granted).toBe(1);
    expect((await windowOf(theirs)).leased).toBe(1);
  });
});

describe('the border of a window', () => {
  async function hourly(): Promise<{ budgetId: string; windowStart: number }> {
    const shared = budget({ id: 'h', scope: 'shared', name: `hour-${++pools}`, period: 'hourly' });
    const { budgetId, windowStart } = (await agent.connect('bot', [shared])).budgets[0]!;
    return { budgetId, windowStart: windowStart! };
  }

  it('opens leases in the present window only', async () => {
    const { budgetId, windowStart } = await hourly();
    const hour = 3_600_000;
    expect(await agent.lease('bot', { budgetId, windowStart })).toMatchObject({ state: 'open' });
    for (const other of [windowStart - hour, windowStart + 2 * hour, windowStart + 1, null]) {
      expect(await agent.lease('bot', { budgetId, windowStart: other })).toMatchObject({ state: 'lost' });
    }
    const [row] =
      await fixture.admin`select count(*)::int as n from kavach.budget_windows where budget_id = ${budgetId}`;
    expect(row!['n']).toBe(1);
  });

  it('takes both windows for a minute', async () => {
    const { budgetId, windowStart } = await hourly();
    const opens = (now: number): Promise<boolean> =>
      cell(fixture.admin`
        select (private.present_window(b, to_timestamp(${windowStart / 1000}), to_timestamp(${now / 1000}))).window_start is not null as opens
        from kavach.budgets b where b.id = ${budgetId}`);
    const end = windowStart + 3_600_000;
    expect(
      await Promise.all([windowStart - 61_000, windowStart - 59_000, end + 59_000, end + 61_000].map(opens)),
    ).toEqual([false, true, true, false]);
  });

  it('settles a lease into its own window after that is over, and grants nothing more in it', async () => {
    const { budgetId, windowStart } = await hourly();
    const leaseId = randomUUID();
    await agent.lease('bot', { budgetId, windowStart, leaseId, want: 4 * DOLLAR, need: 4 * DOLLAR });
    // The hour passes.
    await fixture.admin`
      update kavach.budget_windows set window_start = window_start - interval '2 hours', window_end = window_end - interval '2 hours'
      where budget_id = ${budgetId}`;
    await fixture.admin`update kavach.leases set window_start = window_start - interval '2 hours' where id = ${leaseId}`;
    const old = windowStart - 7_200_000;
    expect(
      await agent.lease('bot', {
        budgetId,
        windowStart: old,
        leaseId,
        seq: 2,
        used: DOLLAR,
        hold: 3 * DOLLAR,
        want: 9 * DOLLAR,
        need: 9 * DOLLAR,
      }),
    ).toMatchObject({ state: 'open', granted: 3 * DOLLAR, spent: DOLLAR });
    expect(
      await agent.lease('bot', { budgetId, windowStart: old, leaseId, seq: 3, used: 2 * DOLLAR, close: true }),
    ).toMatchObject({ state: 'closed', spent: 2 * DOLLAR });
    expect(await agent.lease('bot', { budgetId, windowStart: old })).toMatchObject({ state: 'lost' });
    expect(await agent.lease('bot', { budgetId, windowStart })).toMatchObject({ state: 'open', spent: 0 });
  });
});
