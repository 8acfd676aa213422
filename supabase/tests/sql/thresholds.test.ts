import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cell, startFixture, type Fixture } from './testing/fixture.ts';
import { AgentCalls, budget, callEvent, DOLLAR } from './testing/wire.ts';

let fixture: Fixture;
let agent: AgentCalls;

beforeAll(async () => {
  fixture = await startFixture();
  agent = new AgentCalls(fixture);
});
afterAll(() => fixture[Symbol.asyncDispose]());

type Alert = readonly [threshold: number, holder: string, state: string];

async function alerts(budgetId: string): Promise<Alert[]> {
  const rows = await fixture.admin<{ threshold: number; holder: string; state: string }[]>`
    select threshold::float8, holder, state from kavach.alert_events where budget_id = ${budgetId} order by id`;
  return rows.map(({ threshold, holder, state }) => [threshold, holder, state] as const);
}

function rule(fields: Record<string, unknown>): Promise<string> {
  return cell(fixture.admin`
    insert into kavach.alert_rules ${fixture.admin({ org_id: fixture.org, channel: 'slack', ...fields } as never)} returning id`);
}

const spend = (name: string, dollars: number, fields = {}) =>
  agent.ingest([callEvent({ agent: name, nano: Math.round(dollars * DOLLAR), ...fields })]);

describe('thresholds', () => {
  it('fire once for each window, at the exact share', async () => {
    const { budgets } = await agent.connect('exact', [budget()]);
    const id = budgets[0]!.budgetId;
    await spend('exact', 6.999999999);
    expect(await alerts(id)).toEqual([]);
    await spend('exact', 0.000000001);
    expect(await alerts(id)).toEqual([[0.7, '', 'skipped']]);
    await spend('exact', 1);
    expect(await alerts(id)).toHaveLength(1);
    await spend('exact', 2);
    await spend('exact', 5);
    expect((await alerts(id)).map(([threshold]) => threshold)).toEqual([0.7, 0.9, 1]);
  });

  it('fire once however many batches pass them at the same moment', async () => {
    const { budgets } = await agent.connect('race', [budget()]);
    await Promise.all(Array.from({ length: 24 }, () => spend('race', 0.5)));
    expect((await alerts(budgets[0]!.budgetId)).map(([threshold]) => threshold).sort()).toEqual([0.7, 0.9, 1]);
  });

  it('fire for each holder, and for the thresholds of rules, which then have somebody to tell', async () => {
    const { budgets } = await agent.connect('holders', [budget({ id: 'u', scope: 'user', name: 'u' })]);
    const budgetId = budgets[0]!.budgetId;
    const agentId = await cell<string>(fixture.admin`select id from kavach.agents where name = 'holders'`);
    await rule({ agent_id: agentId, threshold: 0.5 });
    await rule({ budget_id: budgetId, threshold: 0.7 });
    await rule({ agent_id: agentId, threshold: 0.9, enabled: false });
    await spend('holders', 5, { user: 'ann' });
    await spend('holders', 9, { user: 'bob' });
    expect(await alerts(budgetId)).toEqual([
      [0.5, 'ann', 'pending'],
      [0.5, 'bob', 'pending'],
      [0.7, 'bob', 'pending'],
      [0.9, 'bob', 'skipped'],
    ]);
  });

  it('fire again after the limit was raised, as far as they lie above the new ratio', async () => {
    const { budgets } = await agent.connect('raised', [budget()]);
    const id = budgets[0]!.budgetId;
    await spend('raised', 9);
    await fixture.pool`select kavach.set_limit(${id}, 12)`;
    await spend('raised', 1.8);
    expect((await alerts(id)).map(([threshold]) => threshold)).toEqual([0.7, 0.9, 0.9]);
  });

  it('do not wake anybody about a window that is long over', async () => {
    const { budgets } = await agent.connect('late', [budget({ period: 'hourly' })]);
    const id = budgets[0]!.budgetId;
    await rule({ budget_id: id, threshold: 1 });
    await spend('late', 20, { at: Date.now() - 3 * 3_600_000 });
    expect((await alerts(id)).map(([, , state]) => state)).toEqual(['skipped', 'skipped', 'skipped']);
  });

  it('fire at 100 % for the fullest budget when an agent says that a budget has stopped it', async () => {
    const { budgets } = await agent.connect('stopped', [
      budget({ id: 'small' }),
      budget({ id: 'large', period: 'monthly', limit: 15 * DOLLAR }),
      budget({ id: 'tokens', unit: 'tokens', limit: 100 }),
    ]);
    const stop = { type: 'kill', id: randomUUID(), agent: 'stopped', runId: 'r', at: Date.now(), code: 'cost' };
    await agent.ingest([callEvent({ agent: 'stopped', nano: 9.7 * DOLLAR, tokens: 1 }), stop]);
    const [small, large, tokens] = await Promise.all(budgets.map(({ budgetId }) => alerts(budgetId)));
    expect(small!.map(([threshold]) => threshold)).toEqual([0.7, 0.9, 1]);
    expect(large!.map(([threshold]) => threshold)).toEqual([]);
    expect(tokens).toEqual([]);
    await agent.ingest([{ ...stop, id: randomUUID() }]);
    expect(await alerts(budgets[0]!.budgetId)).toHaveLength(3);
  });

  it('fire for a pool as its leases are spent, and at 100 % when nothing is left for anybody', async () => {
    const pool = budget({ id: 'pool', scope: 'shared', name: 'thresholds', period: 'total' });
    const { budgets } = await agent.connect('pooled', [pool]);
    const budgetId = budgets[0]!.budgetId;
    const leaseId = randomUUID();
    const lease = { budgetId, leaseId, want: 9.5 * DOLLAR, need: 9.5 * DOLLAR };
    await agent.lease('pooled', lease);
    expect(await alerts(budgetId)).toEqual([]);
    await agent.lease('pooled', { ...lease, seq: 2, used: 7.5 * DOLLAR, hold: 9.5 * DOLLAR });
    expect((await alerts(budgetId)).map(([threshold]) => threshold)).toEqual([0.7]);
    // Another process holds nothing that could come back, but this one does.
    await agent.lease('pooled', { budgetId, need: 5 * DOLLAR, want: 5 * DOLLAR });
    expect(await alerts(budgetId)).toHaveLength(1);
    // Nor is it exhausted by a call that fits once the process's own calls have used less than they hold.
    await agent.lease('pooled', {
      ...lease,
      seq: 3,
      used: 7.5 * DOLLAR,
      hold: 9.5 * DOLLAR,
      need: 10.5 * DOLLAR,
      want: 11 * DOLLAR,
    });
    expect(await alerts(budgetId)).toHaveLength(1);
    await agent.lease('pooled', {
      ...lease,
      seq: 4,
      used: 9.5 * DOLLAR,
      need: 11 * DOLLAR,
      want: 11 * DOLLAR,
      hold: 0,
    });
    expect((await alerts(budgetId)).map(([threshold]) => threshold)).toEqual([0.7, 0.9, 1]);
  });
});

describe('a kill rule', () => {
  it('stops the agent in the transaction that stores the spend', async () => {
    const { budgets } = await agent.connect('doomed', [
      budget(),
      budget({ id: 'tokens', unit: 'tokens', limit: 1_000_000 }),
    ]);
    await rule({ budget_id: budgets[0]!.budgetId, threshold: 0.8, channel: 'kill' });
    expect((await spend('doomed', 7.9)).agents[0]).toMatchObject({ killed: false });
    expect((await spend('doomed', 0.1)).agents).toEqual([
      { agent: 'doomed', killed: true, epoch: 1, reason: 'cost', by: 'alert rule' },
    ]);
    await fixture.pool`select kavach.resume_agent(${fixture.org}, 'doomed')`;
    // It has fired in this window.
    expect((await spend('doomed', 0.1)).agents[0]).toMatchObject({ killed: false, epoch: 2 });
  });

  it('on a pool stops the agents that hold leases of it', async () => {
    const pool = budget({ id: 'pool', scope: 'shared', name: 'killing', period: 'total' });
    const budgetId = (await agent.connect('holder', [pool])).budgets[0]!.budgetId;
    await agent.connect('bystander', [pool]);
    await rule({ budget_id: budgetId, threshold: 1, channel: 'kill' });
    const answer = await agent.leases('holder', [
      { budgetId, want: 10 * DOLLAR, need: 10 * DOLLAR, used: 10 * DOLLAR },
    ]);
    expect(answer.state).toMatchObject({ killed: true, reason: 'cost', by: 'alert rule' });
    expect((await agent.connect('bystander', [pool])).state.killed).toBe(false);
  });
});

describe('the outbox', () => {
  interface Claimed {
    id: number;
    agent: string;
    threshold: number;
    spent: number;
    rules: { id: string; channel: string; target: unknown }[];
  }

  function claim(): Promise<Claimed[]> {
    return cell(fixture.pool`select private.claim_alerts(50) as alerts`);
  }

  it('hands out what is due once, with the rules and their targets, and retries only what failed', async () => {
    await fixture.admin`update kavach.alert_events set state = 'skipped'`;
    const { budgets } = await agent.connect('outbox', [budget()]);
    const budgetId = budgets[0]!.budgetId;
    const target = { webhookUrl: 'https://hooks.example/1' };
    const slack = await rule({ budget_id: budgetId, threshold: 0.7, target: fixture.admin.json(target) });
    const webhook = await rule({ budget_id: budgetId, threshold: 0.7, channel: 'webhook' });
    await spend('outbox', 8);

    const [first, second] = await Promise.all([claim(), claim()]);
    const claimed = [...first, ...second];
    expect(claimed).toHaveLength(1);
    expect(claimed[0]).toMatchObject({ agent: 'outbox', threshold: 0.7, spent: 8 * DOLLAR });
    expect(claimed[0]!.rules.map(({ id }) => id).sort()).toEqual([slack, webhook].sort());
    expect(claimed[0]!.rules.find(({ id }) => id === slack)!.target).toEqual(target);
    expect(await claim()).toEqual([]);

    const id = claimed[0]!.id;
    const [half] = await fixture.pool`
      select private.settle_alert(${id}, ${[slack]}, ${fixture.pool.json({ [webhook]: '502 Bad Gateway' })}) as state`;
    expect(half).toEqual({ state: 'pending' });
    await fixture.admin`update kavach.alert_events set next_attempt_at = now() where id = ${id}`;
    const [retry] = await claim();
    expect(retry!.rules.map((left) => left.id)).toEqual([webhook]);
    const [done] = await fixture.pool`select private.settle_alert(${id}, ${[webhook]}) as state`;
    expect(done).toEqual({ state: 'sent' });
  });

  it('gives up after eight attempts', async () => {
    const { budgets } = await agent.connect('hopeless', [budget()]);
    const only = await rule({ budget_id: budgets[0]!.budgetId, threshold: 0.7 });
    await spend('hopeless', 8);
    const states: string[] = [];
    for (let i = 0; i < 8; i++) {
      await fixture.admin`update kavach.alert_events set next_attempt_at = now() where state = 'pending'`;
      const [alert] = await claim();
      states.push(
        await cell(fixture.pool`
        select private.settle_alert(${alert!.id}, ${[]}, ${fixture.pool.json({ [only]: 'no' })}) as state`),
      );
    }
    expect(states).toEqual([...Array<string>(7).fill('pending'), 'failed']);
  });

  it('keeps quiet about the same budget and threshold during the cooldown', async () => {
    const { budgets } = await agent.connect('quiet', [budget({ id: 'u', scope: 'user', name: 'u' })]);
    const only = await rule({ budget_id: budgets[0]!.budgetId, threshold: 0.7 });
    await spend('quiet', 8, { user: 'ann' });
    const [first] = await claim();
    await fixture.pool`select private.settle_alert(${first!.id}, ${[only]})`;
    await spend('quiet', 8, { user: 'bob' });
    const [second] = await claim();
    expect(second!.rules).toEqual([]);
    const [state] = await fixture.pool`select private.settle_alert(${second!.id}, ${[]}) as state`;
    expect(state).toEqual({ state: 'skipped' });
  });
});
