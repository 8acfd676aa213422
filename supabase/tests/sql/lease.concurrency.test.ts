import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cell, startFixture, type Fixture } from './testing/fixture.ts';
import { AgentCalls, budget, DOLLAR } from './testing/wire.ts';

let fixture: Fixture;
let agent: AgentCalls;
let pools = 0;

beforeAll(async () => {
  fixture = await startFixture();
  agent = new AgentCalls(fixture);
  // The invariant is checked by the database itself, at every write of every transaction.
  await fixture.admin.unsafe(`
    create function public.assert_within_limit() returns trigger language plpgsql as $$
    begin
      -- What was granted before the limit was lowered stays.
      if (tg_op = 'INSERT' or new.spent + new.leased > old.spent + old.leased)
        and new.spent + new.leased > (select b.limit_amount from kavach.budgets b where b.id = new.budget_id) then
        raise exception 'over the limit: % + %', new.spent, new.leased;
      end if;
      return null;
    end $$;
    create trigger within_limit after insert or update on kavach.budget_windows
      for each row execute function public.assert_within_limit();`);
});
afterAll(() => fixture[Symbol.asyncDispose]());

async function pool(limit: number): Promise<string> {
  const shared = budget({ id: 'pool', scope: 'shared', name: `pool-${++pools}`, period: 'total', limit });
  return (await agent.connect('bot', [shared])).budgets[0]!.budgetId;
}

/** What the tables say about a budget, in nano-dollars. */
async function ledger(budgetId: string): Promise<Record<'spent' | 'leased' | 'estimated' | 'used' | 'held', number>> {
  const [row] = await fixture.admin`
    select (w.spent * 1e9)::float8 as spent, (w.leased * 1e9)::float8 as leased, (w.estimated * 1e9)::float8 as estimated,
      coalesce(sum(l.used) * 1e9, 0)::float8 as used,
      coalesce(sum(l.granted - l.used) filter (where l.state = 'open') * 1e9, 0)::float8 as held
    from kavach.budget_windows w left join kavach.leases l on l.budget_id = w.budget_id
    where w.budget_id = ${budgetId} group by w.budget_id, w.holder, w.window_start`;
  return row as never;
}

/** A process that leases, spends and renews, until it gets nothing more. */
async function worker(budgetId: string, index: number, dies: boolean): Promise<number> {
  const leaseId = randomUUID();
  let seq = 0;
  let used = 0;
  for (;;) {
    const need = used + DOLLAR / 10;
    const request = { budgetId, leaseId, used, hold: used, need, want: used + (1 + (index % 5)) * DOLLAR };
    seq += 2;
    // The newer of two requests at once may come first; the older one changes nothing then.
    const [older, answer] = await Promise.all([
      agent.lease('bot', { ...request, seq: seq - 1 }),
      agent.lease('bot', { ...request, seq }),
    ]);
    expect(older.state).toBe('open');
    const granted = Math.min(older.granted, answer.granted);
    if (granted < need) break;
    used += Math.floor((granted - used) * (index % 2 === 0 ? 1 : 0.6));
    if (dies && seq > 6) return used;
  }
  await agent.lease('bot', { budgetId, leaseId, seq: seq + 1, used, close: true });
  return used;
}

describe('leases under load', () => {
  it('never pass the limit, with 32 processes at once of which some die', async () => {
    const limit = 40 * DOLLAR;
    const budgetId = await pool(limit);
    const spent = await Promise.all(Array.from({ length: 32 }, (_, i) => worker(budgetId, i, i % 4 === 0)));
    const total = spent.reduce((a, b) => a + b, 0);
    expect(total).toBeLessThanOrEqual(limit);

    const before = await ledger(budgetId);
    expect(before.leased).toBe(before.held);
    expect(before.spent).toBe(before.used);
    await fixture.admin`update kavach.leases set reclaim_at = now() - interval '1 second' where budget_id = ${budgetId}`;
    // Two schedulers at once take each lease back once.
    await Promise.all([1, 2, 3].map(() => fixture.pool`select private.expire_leases()`));
    const after = await ledger(budgetId);
    expect(after.leased).toBe(0);
    expect(after.spent).toBe(after.used + after.estimated);
    // Everything that was really spent is in the books; what exceeds it is marked as an estimate.
    expect(after.spent).toBeGreaterThanOrEqual(total);
    expect(after.spent - after.estimated).toBeLessThanOrEqual(total);
  });

  it('leave the last nano-dollars usable', async () => {
    const limit = DOLLAR;
    const budgetId = await pool(limit);
    let spent = 0;
    for (let need = DOLLAR / 4; need >= 1;) {
      const leaseId = randomUUID();
      const { granted } = await agent.lease('bot', { budgetId, leaseId, need, want: limit });
      if (granted === 0) {
        need = Math.floor(need / 4);
        continue;
      }
      spent += granted;
      await agent.lease('bot', { budgetId, leaseId, seq: 2, used: granted, close: true });
    }
    expect(spent).toBe(limit);
  });

  it('lock the windows of several budgets without a deadlock, whatever the order of the request', async () => {
    const budgets = await Promise.all(Array.from({ length: 6 }, () => pool(1_000 * DOLLAR)));
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, i) => {
        const order = i % 2 === 0 ? budgets : budgets.toReversed();
        return agent.leases(
          'bot',
          order.map((budgetId) => ({ budgetId, want: DOLLAR / 100, need: DOLLAR / 100 })),
        );
      }),
    );
    expect(answers.flatMap(({ leases }) => leases).every(({ granted }) => granted === DOLLAR / 100)).toBe(true);
    for (const budgetId of budgets) expect((await ledger(budgetId)).leased).toBe(0.64 * DOLLAR);
  });

  it('are granted under the old limit or the new one: a change waits for the grants on their way', async () => {
    const budgetId = await pool(10 * DOLLAR);
    await agent.lease('bot', { budgetId, want: DOLLAR });
    let changed = false;
    const changing = await fixture.as(agent.claims, async (sql) => {
      const lease = {
        budgetId,
        leaseId: randomUUID(),
        seq: 1,
        windowStart: null,
        used: 0,
        hold: 0,
        need: DOLLAR,
        want: DOLLAR,
      };
      const request = { instance: randomUUID(), agent: 'bot', leases: [{ ...lease, maxCallMs: 0, close: false }] };
      await sql`select private.leases(${sql.json(request)})`;
      const done = fixture.pool`select kavach.set_limit(${budgetId}, 5)`.then(() => {
        changed = true;
      });
      const isBlocked = () =>
        cell(fixture.admin`
          select exists (select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%kavach.set_limit%')`);
      while (!changed && !(await isBlocked()));
      return { done, early: changed };
    });
    await changing.done;
    expect(changing.early).toBe(false);
  });

  it('follow a limit that changes meanwhile: no grant passes the limit of its moment', async () => {
    const budgetId = await pool(10 * DOLLAR);
    await Promise.all([
      ...Array.from({ length: 40 }, () => agent.lease('bot', { budgetId, need: DOLLAR, want: DOLLAR })),
      ...[20, 30, 25].map((limit) => fixture.pool`select kavach.set_limit(${budgetId}, ${limit})`),
    ]);
    const { leased } = await ledger(budgetId);
    expect(leased).toBeGreaterThanOrEqual(10 * DOLLAR);
    expect(leased).toBeLessThanOrEqual(30 * DOLLAR);
  });
});

describe('any sequence of requests', () => {
  const nano = fc.integer({ min: 0, max: 3_000 });
  const step = fc.record({
    lease: fc.nat(3),
    seq: fc.integer({ min: 1, max: 12 }),
    used: nano,
    hold: nano,
    want: nano,
    need: nano,
    close: fc.boolean(),
    expires: fc.boolean(),
  });

  it('keeps the books: leased is what open leases hold, spent is what was used and charged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5_000 }), fc.array(step, { maxLength: 25 }), async (limit, steps) => {
        const budgetId = await pool(limit);
        const ids = Array.from({ length: 4 }, () => randomUUID());
        const granted = [0, 0, 0, 0];
        for (const { lease, expires, used, ...request } of steps) {
          const leaseId = ids[lease]!;
          // A holder spends what it was granted, and no more.
          const honest = Math.min(used, granted[lease]!);
          const answer = await agent.lease('bot', { budgetId, leaseId, ...request, used: honest });
          granted[lease] = answer.state === 'lost' ? 0 : Math.max(granted[lease]!, answer.granted);
          const books = await ledger(budgetId);
          expect(books.leased).toBe(books.held);
          expect(books.spent).toBe(books.used + books.estimated);
          expect(books.spent + books.leased).toBeLessThanOrEqual(limit);
          if (answer.state === 'open') {
            expect(answer.granted + answer.heldByOthers + answer.spent).toBeGreaterThanOrEqual(
              books.spent + books.leased,
            );
          }
          if (!expires) continue;
          await fixture.admin`update kavach.leases set reclaim_at = now() - interval '1 second' where id = ${leaseId}`;
          await fixture.pool`select private.expire_leases()`;
        }
      }),
      { numRuns: 25 },
    );
  });
});
