/** Requests of the wire as agents send them, with defaults for what a test does not care about. */
import { randomUUID } from 'node:crypto';
import type {
  CallEvent,
  ConnectAnswer,
  IngestAnswer,
  LeaseAnswer,
  LeaseRequest,
  LeasesAnswer,
  WireBudget,
} from '@agentkavach/core/wire';
import type postgres from 'postgres';
import { keyOf, type Claims, type Fixture } from './fixture.ts';

export const DOLLAR = 1_000_000_000;

/** A budget of an agent: $10 a day. */
export function budget(fields: Partial<WireBudget> = {}): WireBudget {
  return {
    id: fields.name ?? fields.period ?? 'daily',
    scope: 'agent',
    name: null,
    unit: 'usd',
    period: 'daily',
    timeZone: 'UTC',
    limit: 10 * DOLLAR,
    ...fields,
  };
}

/** A call that cost one cent just now. */
export function callEvent(fields: Partial<CallEvent> = {}): CallEvent {
  const at = fields.at ?? Date.now();
  return {
    type: 'call',
    id: randomUUID(),
    agent: 'bot',
    runId: 'run-1',
    at,
    startedAt: at,
    provider: 'openai',
    model: 'gpt-4o',
    outcome: 'completed',
    estimated: false,
    nano: DOLLAR / 100,
    tokens: 100,
    calls: 1,
    inputTokens: 60,
    outputTokens: 40,
    ...fields,
  };
}

/** What agents ask the database, as a key of an organisation. */
export class AgentCalls {
  readonly #fixture: Fixture;
  readonly claims: Claims;

  constructor(fixture: Fixture, org = fixture.org) {
    this.#fixture = fixture;
    this.claims = keyOf(org);
  }

  connect(agent: string, budgets: readonly WireBudget[]): Promise<ConnectAnswer> {
    const request = { sdk: 'test', instance: randomUUID(), agent, budgets };
    return this.#fixture.call(this.claims, (sql) => sql`select private.connect(${sql.json(request as never)})`);
  }

  /** Sends events, and what the HTTP layer found not valid. Of several batches at once `position` in the batch is the index. */
  ingest(events: readonly object[], invalid: readonly object[] = []): Promise<IngestAnswer> {
    const batch = events.map((event, index) => ({ ...event, index }));
    return this.#fixture.call(
      this.claims,
      (sql) => sql`select private.ingest(${randomUUID()}, ${json(sql, batch)}, ${json(sql, invalid)})`,
    );
  }

  async lease(agent: string, request: Partial<LeaseRequest> & { budgetId: string }): Promise<LeaseAnswer> {
    const answer = await this.leases(agent, [request]);
    return answer.leases[0]!;
  }

  leases(agent: string, requests: readonly (Partial<LeaseRequest> & { budgetId: string })[]): Promise<LeasesAnswer> {
    const leases = requests.map((request) => ({
      leaseId: randomUUID(),
      seq: 1,
      windowStart: null,
      used: 0,
      hold: 0,
      want: DOLLAR,
      need: 0,
      maxCallMs: 600_000,
      close: false,
      ...request,
    }));
    const request = { instance: randomUUID(), agent, leases };
    return this.#fixture.call(this.claims, (sql) => sql`select private.leases(${sql.json(request as never)})`);
  }
}

function json(sql: postgres.TransactionSql, value: readonly object[]): postgres.Parameter {
  return sql.json(value as never);
}
