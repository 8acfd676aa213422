/** The organisation that nobody else may see: one row in each table, and in each row something that occurs nowhere else. */
import { createHash, randomUUID } from 'node:crypto';
import { hashKey, makeKey, prefixOf } from '@agentkavach/functions/_shared/keys';
import type postgres from 'postgres';

export type Scope = 'sdk' | 'read' | 'control' | 'admin';

export interface Victim {
  readonly org: string;
  readonly ownerId: string;
  readonly ownerEmail: string;
  readonly memberId: string;
  readonly agent: string;
  readonly pool: string;
  readonly agentId: string;
  readonly budgetId: string;
  readonly poolId: string;
  readonly ruleId: string;
  readonly run: string;
  readonly runId: string;
  readonly eventId: string;
  readonly leaseId: string;
  readonly alertId: string;
  /** A key that nobody holds: for the paths that change one. */
  readonly keyId: string;
  /** Working keys with one scope each. */
  readonly keys: Readonly<Record<Scope, string>>;
  readonly revokedKey: string;
  readonly expiredKey: string;
  /** Every UUID, name and amount of the victim's rows. */
  readonly secrets: readonly string[];
}

/** Amounts that are nobody else's, in dollars or as they stand on the wire. */
const AMOUNTS = ['7131.4179', '7131417', '5309.8431', '5309843'];

/** Plants it. */
export async function plantVictim(sql: postgres.Sql): Promise<Victim> {
  const org = randomUUID();
  const [ownerId, memberId] = [randomUUID(), randomUUID()];
  const [agentId, budgetId, poolId, eventId, leaseId] = Array.from({ length: 5 }, () => randomUUID()) as [
    string, string, string, string, string,
  ]; // prettier-ignore
  const names = {
    agent: 'canary-agent',
    pool: 'canary-pool',
    runId: 'canary-run',
    ownerEmail: 'canary-owner@victim.example',
  };
  const { agent, pool, runId, ownerEmail } = names;
  await sql`insert into kavach.organizations (id, name, plan_id) values (${org}, 'Canary Inc.', 'max')`;
  for (const [id, email, role] of [
    [ownerId, ownerEmail, 'owner'],
    [memberId, 'canary-member@victim.example', 'member'],
  ] as const) {
    await sql`
      insert into auth.users (id, email, encrypted_password, email_confirmed_at) values (${id}, ${email}, 'canary-hash', now())`;
    await sql`insert into kavach.members (org_id, user_id, role) values (${org}, ${id}, ${role})`;
  }
  const key = async (scopes: readonly Scope[], ended: { revoked?: boolean; expired?: boolean } = {}) => {
    const text = makeKey('dev');
    const [row] = await sql<{ id: string }[]>`
      insert into kavach.api_keys (org_id, name, environment, prefix, hash, scopes, revoked_at, expires_at)
      values (${org}, ${`canary-key ${scopes.join('+')}`}, 'dev', ${prefixOf(text)}, ${await hashKey(text)}, ${[...scopes]},
        ${ended.revoked === true ? new Date() : null}, ${ended.expired === true ? new Date(Date.now() - 1_000) : null})
      returning id`;
    return { id: row!.id, text };
  };
  const all = ['sdk', 'read', 'control', 'admin'] as const;
  const [sdk, read, control, admin, unused, revoked, expired] = [
    await key(['sdk']), await key(['read']), await key(['control']), await key(['admin']), await key(all),
    await key(all, { revoked: true }), await key(all, { expired: true }),
  ]; // prettier-ignore
  await sql`
    insert into kavach.agents (id, org_id, name, kill_reason, killed_by)
    values (${agentId}, ${org}, ${agent}, 'canary-reason', 'canary-killer')`;
  await sql`
    insert into kavach.kills (org_id, agent_id, epoch, action, reason, by_whom)
    values (${org}, ${agentId}, 1, 'kill', 'canary-reason', 'canary-killer')`;
  await sql`
    insert into kavach.budgets (id, org_id, agent_id, scope, name, period, limit_amount, declared_amount, managed_by)
    values (${budgetId}, ${org}, ${agentId}, 'agent', 'canary-budget', 'daily', 7131.4179, 7131.4179, 'code'),
      (${poolId}, ${org}, null, 'shared', ${pool}, 'total', 7131.4179, 7131.4179, 'code')`;
  await sql`
    insert into kavach.budget_windows (budget_id, holder, window_start, window_end, spent, leased)
    select b.id, '', w.window_start, w.window_end, 5309.8431, 1
    from kavach.budgets b, private.window_of(b.period, 'UTC', now()) w where b.org_id = ${org}`;
  await sql`
    insert into kavach.leases (id, org_id, budget_id, window_start, instance, agent_id, granted, expires_at, reclaim_at)
    values (${leaseId}, ${org}, ${poolId}, '-infinity', gen_random_uuid(), ${agentId}, 1, now() + '1 day', now() + '2 days')`;
  // As the database derives it, so that events of this run find it.
  const digest = createHash('md5').update(`${agentId}:${runId}`).digest('hex');
  const run = digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-8$3-8$4-$5');
  await sql`
    insert into kavach.runs (id, org_id, agent_id, run_id, started_at, last_event_at, cost, user_name, tags)
    values (${run}, ${org}, ${agentId}, ${runId}, now(), now(), 5309.8431, 'canary-user', '{canary-tag}')`;
  await sql`
    insert into kavach.events
      (org_id, id, at, started_at, type, agent_id, run, user_name, tags, provider, model, cost, outcome, message, prompt)
    values (${org}, ${eventId}, now(), now(), 'call', ${agentId}, ${run}, 'canary-user', '{canary-tag}', 'canary-provider',
      'canary-model', 5309.8431, 'completed', 'canary-message', 'canary-prompt')`;
  for (const [table, unit] of [['hourly_spend', 'hour'], ['daily_spend', 'day']] as const) {
    await sql`
      insert into kavach.${sql(table)} (org_id, agent_id, bucket, provider, model, cost)
      values (${org}, ${agentId}, date_trunc(${unit}, now(), 'UTC'), 'canary-provider', 'canary-model', 5309.8431)`;
  } // prettier-ignore
  await sql`
    insert into kavach.dead_letters (org_id, event_id, reason, detail, payload)
    values (${org}, 'canary-event', 'invalid', 'canary-detail', '{"canary":true}')`;
  const [rule] = await sql<{ id: string }[]>`
    insert into kavach.alert_rules (org_id, agent_id, budget_id, threshold, channel, target, template)
    values (${org}, ${agentId}, ${budgetId}, 0.7, 'email', '{"to":"canary@victim.example"}', '"canary-template"')
    returning id`;
  const [alert] = await sql<{ id: string }[]>`
    insert into kavach.alert_events (org_id, agent_id, budget_id, holder, window_start, threshold, spent, limit_amount, next_attempt_at)
    values (${org}, ${agentId}, ${budgetId}, 'canary-holder', now(), 0.7, 5309.8431, 7131.4179, now() + '1 day')
    returning id`;
  await sql`
    insert into kavach.subscriptions (org_id, plan_id, stripe_customer, stripe_subscription, status)
    values (${org}, 'pro', 'cus_canary', 'sub_canary', 'canary-status')`;
  await sql`insert into kavach.billing_events (id, type) values ('evt_canary', 'canary')`;
  await sql`
    insert into kavach.rate_counters (org_id, bucket, window_start, slot, count) values (${org}, 'canary', now(), 1, 7131417)`;
  await sql`
    insert into kavach.user_requests (user_id, bucket, window_start, slot, count)
    values (${ownerId}, 'canary', now() + '1 day', 1, 7131417)`;
  return {
    ...names, org, ownerId, memberId, agentId, budgetId, poolId, run, eventId, leaseId,
    ruleId: rule!.id, alertId: alert!.id, keyId: unused.id,
    keys: { sdk: sdk.text, read: read.text, control: control.text, admin: admin.text },
    revokedKey: revoked.text, expiredKey: expired.text,
    secrets: await secretsOf(sql, org),
  }; // prettier-ignore
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** Read back from the rows, so that a column which is added later is among them. */
async function secretsOf(sql: postgres.Sql, org: string): Promise<string[]> {
  const secrets = new Set(['canary', ...AMOUNTS]);
  for (const [table, rows] of await rowsOf(sql, (name) => victimsRows(name, org))) {
    const text = JSON.stringify(rows);
    if (table !== 'plans' && !/canary|7131|5309/i.test(text) && !text.includes(org)) {
      throw new Error(`Plant a row of the victim in kavach.${table}, with something in it that can be recognised.`);
    }
    if (table === 'plans') continue;
    for (const [uuid] of text.matchAll(UUID)) secrets.add(uuid);
    for (const [prefix] of text.matchAll(/ak_dev_\w{5}/g)) secrets.add(prefix);
  }
  return [...secrets];
}

function victimsRows(table: string, org: string): string {
  if (table === 'organizations') return `t.id = '${org}'`;
  if (table === 'budget_windows') return `t.budget_id in (select b.id from kavach.budgets b where b.org_id = '${org}')`;
  if (table === 'user_requests')
    return `t.user_id in (select m.user_id from kavach.members m where m.org_id = '${org}')`;
  return table === 'billing_events' || table === 'plans' ? 'true' : `t.org_id = '${org}'`;
}

/** All tables of the schema kavach, each with its rows that meet a condition. */
async function rowsOf(sql: postgres.Sql, condition: (table: string) => string): Promise<Map<string, unknown[]>> {
  const tables = await sql<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = 'kavach'::regnamespace and relkind in ('r', 'p') order by 1`;
  const rows = new Map<string, unknown[]>();
  for (const { name } of tables) {
    rows.set(name, await sql.unsafe(`select to_jsonb(t) as row from kavach.${name} t where ${condition(name)}`));
  }
  return rows;
}
