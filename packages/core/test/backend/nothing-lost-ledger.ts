/** Events of many kinds with a ledger of what they come to, reckoned here alone, to hold against what the backend has stored. */
import type postgres from 'postgres';
import { callEvent, chargeEvent, noteEvent } from '../../src/telemetry/event.ts';
import type { WireBudget, WireEvent } from '../../src/wire/index.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NONE = 1_000_000_000_000_000;

/** Random numbers that a seed decides (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const budget = (id: string, more: Pick<WireBudget, 'scope' | 'unit' | 'period'>): WireBudget => ({
  ...{ id, name: null, timeZone: 'UTC', limit: NONE },
  ...more,
});

/** What each agent declares: accounts of each kind that events are charged to. */
export const BUDGETS: readonly WireBudget[] = [
  budget('agent', { scope: 'agent', unit: 'usd', period: 'daily' }),
  budget('user', { scope: 'user', unit: 'usd', period: 'total' }),
  budget('tag', { scope: 'tag', unit: 'tokens', period: 'hourly' }),
  budget('calls', { scope: 'agent', unit: 'calls', period: 'hourly' }),
];

/** An event of the last three days. */
export function anyEvent(next: () => number, agents: readonly string[]): WireEvent {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)]!;
  const upTo = (most: number): number => Math.floor(next() * (most + 1));
  const at = Date.now() - upTo(3 * DAY);
  const head = { agent: pick(agents), runId: `run-${upTo(20)}`, at };
  const holders = {
    startedAt: at - upTo(60_000),
    user: next() < 0.5 ? `user ${upTo(4)}` : undefined,
    tags: ['batch', 'night', 'köln'].filter(() => next() < 0.3),
  };
  const kind = next();
  if (kind < 0.03) return noteEvent({ type: 'denied', ...head, code: 'KAVACH_BUDGET_EXCEEDED', message: 'Over.' });
  if (kind < 0.1) return chargeEvent({ ...head, ...holders, name: pick(['serp', 'maps']), nano: upTo(3_000_000) });
  const [inputTokens, outputTokens] = [upTo(5_000), upTo(900)];
  return callEvent({
    ...{ ...head, ...holders, inputTokens, outputTokens },
    provider: pick(['openai', 'anthropic']),
    model: pick(['large', 'small']),
    outcome: 'completed',
    estimated: next() < 0.1,
    nano: upTo(70_000_001),
    tokens: inputTokens + outputTokens,
    calls: 1,
  });
}

/** What some events come to. Amounts are integers, so sums are exact. */
export interface Ledger {
  readonly ids: ReadonlySet<string>;
  /** Dollars in billionths, calls and tokens by agent, UTC day, provider and model. */
  readonly daily: ReadonlyMap<string, string>;
  readonly hourly: ReadonlyMap<string, string>;
  /** By agent, scope, unit, holder and start. */
  readonly windows: ReadonlyMap<string, string>;
  /** Calls and billionths of all runs. */
  readonly runs: string;
}

/** The ledger of what was made. */
export function ledgerOf(events: Iterable<WireEvent>): Ledger {
  const ids = new Set<string>();
  const daily = new Sums();
  const hourly = new Sums();
  const windows = new Sums();
  const runs = new Sums();
  for (const event of events) {
    ids.add(event.id);
    if (event.type !== 'call' && event.type !== 'charge') continue;
    const isCall = event.type === 'call';
    const [calls, tokens] = isCall ? [event.calls, event.tokens] : [0, 0];
    const of = isCall ? `${event.provider}/${event.model}` : `charge/${event.name}`;
    const hour = Math.floor(event.startedAt / HOUR) * HOUR;
    const day = Math.floor(event.startedAt / DAY) * DAY;
    daily.add(`${event.agent} ${day} ${of}`, event.nano, calls, tokens);
    hourly.add(`${event.agent} ${hour} ${of}`, event.nano, calls, tokens);
    runs.add('all', event.nano, calls);
    windows.add(`${event.agent} agent usd  ${day}`, event.nano);
    windows.add(`${event.agent} user usd ${event.user ?? ''} total`, event.nano);
    windows.add(`${event.agent} agent calls  ${hour}`, calls);
    for (const tag of event.tags ?? []) windows.add(`${event.agent} tag tokens ${tag} ${hour}`, tokens);
  }
  return {
    ids,
    daily: daily.texts(),
    hourly: hourly.texts(),
    windows: windows.texts(true),
    runs: runs.texts().get('all') ?? '0 0',
  };
}

/** The same, as the backend has it. `twice`: rows of events beyond their ids. */
export async function storedLedger(
  sql: postgres.Sql,
): Promise<Ledger & { readonly twice: number; readonly counted: number }> {
  const rows = await sql<{ id: string }[]>`select id from kavach.events`;
  const spend = async (table: string): Promise<Map<string, string>> => {
    const rows = await sql<{ key: string; sums: string }[]>`
      select a.name || ' ' || (extract(epoch from s.bucket) * 1000)::bigint || ' ' || s.provider || '/' || s.model as key,
        (s.cost * 1000000000)::bigint || ' ' || s.calls || ' ' || s.tokens as sums
      from kavach.${sql(table)} s join kavach.agents a on a.id = s.agent_id`;
    return new Map(rows.map(({ key, sums }) => [key, sums]));
  };
  const windows = await sql<{ key: string; spent: string }[]>`
    select concat_ws(' ', a.name, b.scope, b.unit, w.holder,
        case when isfinite(w.window_start) then ((extract(epoch from w.window_start) * 1000)::bigint)::text else 'total' end) as key,
      (case b.unit when 'usd' then w.spent * 1000000000 else w.spent end)::bigint::text as spent
    from kavach.budget_windows w join kavach.budgets b on b.id = w.budget_id join kavach.agents a on a.id = b.agent_id
    where w.spent > 0`;
  const [runs] = await sql<{ sums: string }[]>`
    select coalesce(sum(cost * 1000000000)::bigint, 0) || ' ' || coalesce(sum(calls), 0) as sums from kavach.runs`;
  const [used] = await sql<{ count: number }[]>`
    select coalesce(sum(count), 0)::float8 as count from kavach.rate_counters where bucket = 'events'`;
  const distinct = new Set(rows.map(({ id }) => id));
  return {
    ids: distinct,
    twice: rows.length - distinct.size,
    counted: used?.count ?? 0,
    daily: await spend('daily_spend'),
    hourly: await spend('hourly_spend'),
    windows: new Map(windows.map(({ key, spent }) => [key, spent])),
    runs: runs?.sums ?? '',
  };
}

/** Sums of integers by key. */
class Sums {
  readonly #sums = new Map<string, bigint[]>();

  add(key: string, ...amounts: number[]): void {
    const sums = this.#sums.get(key) ?? amounts.map(() => 0n);
    this.#sums.set(
      key,
      sums.map((sum, index) => sum + BigInt(amounts[index] ?? 0)),
    );
  }

  /** @param onlySpent whether keys whose sums are all zero are left out */
  texts(onlySpent = false): Map<string, string> {
    const spent = [...this.#sums].filter(([, sums]) => !onlySpent || sums.some((sum) => sum > 0n));
    return new Map(spent.map(([key, sums]) => [key, sums.join(' ')]));
  }
}

/** What one set has and the other has not. */
export function without(one: ReadonlySet<string>, other: ReadonlySet<string>): string[] {
  return [...one].filter((id) => !other.has(id));
}
