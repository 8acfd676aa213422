/** What the backend may answer. An answer that is anything else is not believed in any part. */
import type { KillReason } from '../errors.ts';
import { BackendError } from '../wire/backend-error.ts';
import {
  WIRE_LIMITS,
  type AgentState,
  type BudgetState,
  type ConnectAnswer,
  type ControlMessage,
  type HolderSpend,
  type IngestAnswer,
  type LeaseAnswer,
  type LeasesAnswer,
  type RealtimeGrant,
  type RejectedEvent,
} from '../wire/index.ts';
import { isPrivate } from './backend-url.ts';
import { fields, list, milliseconds, nullable, oneOf, sentence, text, truth, whole, type Check } from './shape.ts';

/** The years 2000 to 3000: what lies outside is no time that a clock shows. */
const time = milliseconds(946_684_800_000, 32_503_680_000_000);
const amount = whole(0, WIRE_LIMITS.amount);
const name = text(1, WIRE_LIMITS.name);
const id = text(1, 64);
/** A window may begin before 1970 only by mistake, but a zone's offset may take it below 0 in a test. */
const windowStart = nullable(whole(-86_400_000));
/** Holders of one budget in one answer: the contract says 1,000, and a later one may say more. */
const MOST_HOLDERS = 10_000;
const DAY_MS = 86_400_000;

const REASONS: Readonly<Record<KillReason, true>> = {
  manual: true, cost: true, tokens: true, calls: true, tools: true, duration: true, loop: true, velocity: true,
  tier_agent_limit: true, daily_limit: true, org_budget_exceeded: true, key_revoked: true,
}; // prettier-ignore

/** A reason that this version does not know is none: the kill itself must be obeyed all the same. */
const reason: Check<KillReason | null> = (value, at) => {
  const word = nullable(sentence(100))(value, at);
  return word !== null && Object.hasOwn(REASONS, word) ? (word as KillReason) : null;
};

const agentState = fields<AgentState>({
  agent: name,
  killed: truth,
  epoch: whole(0),
  reason,
  by: nullable(sentence(WIRE_LIMITS.name)),
});

const spent = list(MOST_HOLDERS, fields<HolderSpend>({ holder: text(0, WIRE_LIMITS.name), spent: amount }));

const managedBy = oneOf('code', 'operator');

const budgetState = fields<BudgetState>({
  id: name,
  budgetId: id,
  limit: amount,
  managedBy,
  windowStart,
  spent,
});

/** The token goes to this address, so it must be one that keeps it. */
const realtimeUrl: Check<string> = (value, at) => {
  const address = text(1, 2_000)(value, at);
  const url = URL.parse(address);
  if (url !== null && isPrivate(url, 'wss:') && url.username === '' && url.password === '') return address;
  throw new BackendError(
    `The backend's answer makes no sense: ${at} must begin with wss:// (ws:// for this machine alone).`,
    'garbage',
  );
};

const realtimeGrant = fields<RealtimeGrant>({
  url: realtimeUrl,
  apiKey: text(1, 8_192),
  token: text(1, 8_192),
  expiresAt: time,
  // Realtime's frames count the topic's bytes in one byte, `realtime:` included.
  topic: text(1, 245),
});

const connectAnswer = fields<ConnectAnswer>({
  organisation: fields<ConnectAnswer['organisation']>({
    id,
    name: sentence(WIRE_LIMITS.name),
    plan: sentence(WIRE_LIMITS.name),
  }),
  state: agentState,
  budgets: list(WIRE_LIMITS.budgets, budgetState),
  realtime: nullable(realtimeGrant),
  serverTime: time,
});

const ingestAnswer = fields<IngestAnswer>({
  accepted: whole(0, WIRE_LIMITS.batchEvents),
  duplicates: whole(0, WIRE_LIMITS.batchEvents),
  rejected: list(
    WIRE_LIMITS.batchEvents,
    fields<RejectedEvent>({
      index: whole(0, WIRE_LIMITS.batchEvents - 1),
      id: nullable(text(0, 200)),
      reason: oneOf('invalid', 'clock_skew', 'too_old', 'conflict'),
      detail: sentence(1_000),
    }),
  ),
  agents: list(WIRE_LIMITS.batchEvents, agentState),
  budgets: list(
    WIRE_LIMITS.batchEvents * WIRE_LIMITS.budgets,
    fields<IngestAnswer['budgets'][number]>({ budgetId: id, windowStart, spent }),
  ),
  serverTime: time,
});

/** What is left of a lease; one that is over has less than nothing left. */
const remaining: Check<number> = (value, at) => Math.max(0, milliseconds(-30 * DAY_MS, DAY_MS)(value, at));

const leasesAnswer = fields<LeasesAnswer>({
  leases: list(
    WIRE_LIMITS.leases,
    fields<LeaseAnswer>({
      leaseId: id,
      state: oneOf('open', 'closed', 'lost'),
      seq: whole(0),
      granted: amount,
      expiresInMs: remaining,
      limit: amount,
      spent: amount,
      heldByOthers: amount,
      othersWait: truth,
    }),
  ),
  state: agentState,
  serverTime: time,
});

type LimitChange = Extract<ControlMessage, { type: 'limit' }>;

const message = fields<{ type: ControlMessage['type'] }>({ type: oneOf('kill', 'resume', 'limit') });
const limitChange = fields<Omit<LimitChange, 'type'>>({ budgetId: id, limit: amount, managedBy });

/** @throws BackendError of kind `garbage`, naming the field */
export const readConnectAnswer = (value: unknown): ConnectAnswer => connectAnswer(value, 'connect');

/** @throws BackendError of kind `garbage`, naming the field */
export const readIngestAnswer = (value: unknown): IngestAnswer => ingestAnswer(value, 'ingest');

/** @throws BackendError of kind `garbage`, naming the field */
export const readLeasesAnswer = (value: unknown): LeasesAnswer => leasesAnswer(value, 'leases');

/** @throws BackendError of kind `garbage`, naming the field. A kill that says `killed: false` contradicts itself. */
export function readControlMessage(value: unknown): ControlMessage {
  const { type } = message(value, 'broadcast');
  if (type === 'limit') return { type, ...limitChange(value, 'broadcast') };
  const state = agentState(value, 'broadcast');
  if (state.killed === (type === 'kill')) return { type, ...state };
  throw new BackendError(`A broadcast makes no sense: ${type} with killed ${state.killed}.`, 'garbage');
}
