import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf, refusal, startFixture, type Claims, type Fixture } from './testing/fixture.ts';
import { AgentCalls, budget, DOLLAR } from './testing/wire.ts';

let fixture: Fixture;
let agent: AgentCalls;
let owner: Claims;

beforeAll(async () => {
  fixture = await startFixture();
  agent = new AgentCalls(fixture);
  owner = await fixture.member(fixture.org, 'owner');
  await agent.connect('bot', []);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** What was broadcast so far on the organisation's topic. */
async function messages(): Promise<Record<string, unknown>[]> {
  const rows = await fixture.admin<{ event: string; payload: Record<string, unknown>; private: boolean }[]>`
    select event, payload - 'id' as payload, private from realtime.messages where topic = ${`org:${fixture.org}:control`} order by inserted_at`;
  return rows.map(({ event, payload, private: isPrivate }) => {
    expect(isPrivate).toBe(true);
    expect(event).toBe(payload['type']);
    return payload;
  });
}

describe('kill and resume', () => {
  it('change the state, are recorded, and reach the control topic', async () => {
    const { org } = fixture;
    const killed = await fixture.call(owner, (sql) => sql`select kavach.kill_agent(${org}, 'bot')`);
    const running = { agent: 'bot', killed: false, epoch: 0, reason: null, by: null };
    const first = { agent: 'bot', killed: true, epoch: 1, reason: 'manual', by: owner['email'] };
    expect(killed).toEqual({ ...first, before: running });
    expect((await agent.connect('bot', [])).state).toEqual(first);
    const again = await fixture.call(
      owner,
      (sql) => sql`select kavach.kill_agent(${org}, 'bot', 'loop', 'somebody else')`,
    );
    const second = { ...first, epoch: 2, reason: 'loop' };
    expect(again).toEqual({ ...second, before: first });
    const resumed = await fixture.call(owner, (sql) => sql`select kavach.resume_agent(${org}, 'bot')`);
    expect(resumed).toEqual({ ...running, epoch: 3, before: second });
    const history = await fixture.admin`select epoch::int, action, reason, by_whom from kavach.kills order by id`;
    expect([...history]).toEqual([
      { epoch: 1, action: 'kill', reason: 'manual', by_whom: owner['email'] },
      { epoch: 2, action: 'kill', reason: 'loop', by_whom: owner['email'] },
      { epoch: 3, action: 'resume', reason: null, by_whom: owner['email'] },
    ]);
    expect(await messages()).toEqual([
      { type: 'kill', ...first },
      { type: 'kill', ...second },
      { type: 'resume', ...running, epoch: 3, by: owner['email'] },
    ]);
  });

  it('name who did it: a key by its prefix, Studio as operator', async () => {
    const { org } = fixture;
    const id = await fixture.call<string>(
      owner,
      (sql) => sql`select private.create_key(${org}, 'ops', 'prod', '{control}', 'ak_prod_ABCD', sha256('ops'))`,
    );
    const key = { ...keyOf(org, ['control']), kavach_key: id };
    expect(await fixture.call(key, (sql) => sql`select kavach.kill_agent(${org}, 'bot')`)).toMatchObject({
      by: 'ak_prod_ABCD',
    });
    expect(
      await fixture.call(key, (sql) => sql`select kavach.kill_agent(${org}, 'bot', 'manual', 'cron')`),
    ).toMatchObject({ by: 'cron' });
    const [row] = await fixture.pool`select kavach.kill_agent(${org}, 'bot') as state`;
    expect(row!['state']).toMatchObject({ by: 'operator' });
  });

  it('refuse an agent and a reason that nobody knows', async () => {
    const kill = (name: string, reason: string) =>
      refusal(fixture.call(owner, (sql) => sql`select kavach.kill_agent(${fixture.org}, ${name}, ${reason})`));
    expect(await kill('nobody', 'manual')).toMatchObject({ sqlstate: 'KA404', code: 'agent_not_found' });
    expect(await kill('bot', 'because')).toMatchObject({ sqlstate: 'KA422', code: 'invalid_reason' });
    const [row] = await fixture.admin`select count(*)::int as n from kavach.agents where org_id = ${fixture.org}`;
    expect(row!['n']).toBe(1);
  });

  it('give each of many at once its own epoch', async () => {
    const before = (await agent.connect('bot', [])).state.epoch;
    const states = await Promise.all(
      Array.from({ length: 16 }, () =>
        fixture.call<{ epoch: number }>(owner, (sql) => sql`select kavach.kill_agent(${fixture.org}, 'bot')`),
      ),
    );
    const epochs = states.map(({ epoch }) => epoch).sort((a, b) => a - b);
    expect(epochs).toEqual(Array.from({ length: 16 }, (_, i) => before + 1 + i));
  });
});

describe('set_limit', () => {
  it('is broadcast in the unit of the wire, once for each change', async () => {
    const pool = budget({ id: 'pool', scope: 'shared', name: 'limits', period: 'total' });
    const { budgetId } = (await agent.connect('bot', [pool])).budgets[0]!;
    const before = (await messages()).length;
    await fixture.call(owner, (sql) => sql`select kavach.set_limit(${budgetId}, 12.345678901)`);
    await fixture.call(owner, (sql) => sql`select kavach.set_limit(${budgetId}, 12.345678901)`);
    const told = { type: 'limit', budgetId, limit: 12_345_678_901, managedBy: 'operator' };
    expect((await messages()).slice(before)).toEqual([told]);
    // The code follows along only in what it declares.
    await agent.connect('bot', [{ ...pool, limit: 99 * DOLLAR }]);
    expect(await messages()).toHaveLength(before + 1);
  });

  it('is broadcast also where the limit stays and an operator takes it over from the code', async () => {
    const pool = budget({ id: 'pool', scope: 'shared', name: 'taken-over', period: 'total' });
    const { budgetId } = (await agent.connect('bot', [pool])).budgets[0]!;
    const before = (await messages()).length;
    await fixture.call(owner, (sql) => sql`select kavach.set_limit(${budgetId}, 10)`);
    const told = { type: 'limit', budgetId, limit: 10 * DOLLAR, managedBy: 'operator' };
    expect((await messages()).slice(before)).toEqual([told]);
  });

  it('refuses what is no limit', async () => {
    const { budgets } = await agent.connect('bot', [budget(), budget({ id: 't', unit: 'tokens', limit: 10 })]);
    const [usd, tokens] = budgets.map(({ budgetId }) => budgetId) as [string, string];
    const set = (id: string, limit: number | string | null) =>
      refusal(fixture.call(owner, (sql) => sql`select kavach.set_limit(${id}, ${limit}::numeric)`));
    for (const limit of [0, -1, 9_000_001, 'NaN', 'Infinity', null, 0.0000000001]) {
      expect([limit, (await set(usd, limit)).code]).toEqual([limit, 'invalid_limit']);
    }
    for (const limit of [0, 1.5, 1e16])
      expect([limit, (await set(tokens, limit)).code]).toEqual([limit, 'invalid_limit']);
    expect(await set(randomUUID(), 1)).toMatchObject({ sqlstate: 'KA404', code: 'budget_not_found' });
  });
});

describe('release_limit', () => {
  it('goes back to what the code declared last, tells every process, and lets the code change it again', async () => {
    const own = budget({ name: 'lent' });
    const { budgetId } = (await agent.connect('bot', [own])).budgets[0]!;
    await fixture.call(owner, (sql) => sql`select kavach.set_limit(${budgetId}, 3)`);
    const limitOf = async (limit: number) => (await agent.connect('bot', [{ ...own, limit }])).budgets[0]!.limit;
    expect(await limitOf(20 * DOLLAR)).toBe(3 * DOLLAR);
    const before = (await messages()).length;
    const released = await fixture.call(owner, (sql) => sql`select kavach.release_limit(${budgetId})`);
    expect(released).toMatchObject({ id: budgetId, limit: 20, managedBy: 'code' });
    expect((await messages()).slice(before)).toEqual([
      { type: 'limit', budgetId, limit: 20 * DOLLAR, managedBy: 'code' },
    ]);
    expect(await limitOf(30 * DOLLAR)).toBe(30 * DOLLAR);
  });
});
