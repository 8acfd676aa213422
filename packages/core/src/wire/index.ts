/**
 * What the SDK and the backend say to each other, as JSON over HTTPS. Types and limits only: the Edge Functions check
 * what comes in with a schema of the same shape (`supabase/functions/_shared/schema.ts`), and a test holds both together.
 *
 * Amounts are integers of the budget's unit: nano-dollars, tokens or calls. Times are milliseconds since the Unix epoch,
 * by the clock of whoever writes them. A window's start is `null` where it has none (`total`).
 */
import type { CallOutcome } from '../events.ts';
import type { BudgetScope, KillReason } from '../errors.ts';

/** Limits on every size that comes from outside. The SDK stays within them; the backend refuses what does not. */
export const WIRE_LIMITS = {
  /** Events in one batch. */
  batchEvents: 1_000,
  /** Bytes of a request's body, before and after it is unpacked. */
  bodyBytes: 8_000_000,
  /** Characters of names: agents, budgets, users, models, run ids. */
  name: 200,
  /** Tags of one event, and characters of each. */
  tags: 32,
  tag: 100,
  /** Characters of a stored prompt. */
  prompt: 2_048,
  /** Budgets that one agent declares. */
  budgets: 50,
  /** Leases in one request. */
  leases: 50,
  /** The largest amount: integers stay exact in a JavaScript number. */
  amount: Number.MAX_SAFE_INTEGER,
  /** Milliseconds that an event may lie in the future of the backend's clock. */
  aheadMs: 300_000,
  /** Milliseconds after which an event is too old to be stored. */
  ageMs: 30 * 86_400_000,
} as const;

/** A budget as an agent declares it. */
export interface WireBudget {
  /** The id in `status()`. */
  readonly id: string;
  readonly scope: BudgetScope;
  /** The pool's name (shared), or the user's name for it. */
  readonly name: string | null;
  readonly unit: 'usd' | 'tokens' | 'calls';
  readonly period: 'hourly' | 'daily' | 'weekly' | 'monthly' | 'total';
  readonly timeZone: string;
  readonly limit: number;
}

/** POST /v1/connect */
export interface ConnectRequest {
  readonly sdk: string;
  /** This process and guard, a UUID. */
  readonly instance: string;
  readonly agent: string;
  readonly budgets: readonly WireBudget[];
}

/** Whether an agent may run. `epoch` rises with each kill and resume; what is not newer is old news. */
export interface AgentState {
  readonly agent: string;
  readonly killed: boolean;
  readonly epoch: number;
  readonly reason: KillReason | null;
  readonly by: string | null;
}

/** What a kill or resume answers. A second kill takes the place of the first. */
export interface AgentChange extends AgentState {
  /** How the agent was before: whether anything has changed. Left out by a backend whose migrations are older. */
  readonly before?: AgentState | undefined;
}

/** What one holder (a user or tag; '' for others) has spent in the present window. */
export interface HolderSpend {
  readonly holder: string;
  readonly spent: number;
}

/** Who may change a budget's limit. `operator`: a person has set it, and code can't change it any more. */
export type LimitHolder = 'code' | 'operator';

/** A budget as the backend knows it. */
export interface BudgetState {
  /** The id that the agent declared. */
  readonly id: string;
  /** The backend's id, a UUID. */
  readonly budgetId: string;
  /** The limit that holds: an operator's, where one was set, else the declared one. */
  readonly limit: number;
  readonly managedBy: LimitHolder;
  readonly windowStart: number | null;
  readonly spent: readonly HolderSpend[];
}

/** What a private Realtime channel is joined with. */
export interface RealtimeGrant {
  /** `wss://…/realtime/v1`. */
  readonly url: string;
  /** The project's public API key. */
  readonly apiKey: string;
  /** A JWT of ten minutes at most. */
  readonly token: string;
  readonly expiresAt: number;
  readonly topic: string;
}

export interface ConnectAnswer {
  readonly organisation: { readonly id: string; readonly name: string; readonly plan: string };
  readonly state: AgentState;
  readonly budgets: readonly BudgetState[];
  /** `null` where the backend has no Realtime; the slow poll does its work then. */
  readonly realtime: RealtimeGrant | null;
  readonly serverTime: number;
}

/** Something that happened, told once. `id` is a UUID; the same id is the same event however often it is sent. */
export type WireEvent = CallEvent | ChargeEvent | NoteEvent;

interface EventHead {
  readonly id: string;
  readonly agent: string;
  readonly runId: string;
  /** When it was over. */
  readonly at: number;
}

/** A settled call. */
export interface CallEvent extends EventHead {
  readonly type: 'call';
  /** When its reservation was taken: it is charged to that window. */
  readonly startedAt: number;
  readonly user?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly provider: string;
  readonly model: string;
  readonly outcome: CallOutcome;
  readonly estimated: boolean;
  /** What it cost in the unit of each budget. */
  readonly nano: number;
  readonly tokens: number;
  readonly calls: number;
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly toolCalls?: number | undefined;
  /** The prompt's first characters, after opt-in. */
  readonly prompt?: string | undefined;
}

/** Money spent outside a call. */
export interface ChargeEvent extends EventHead {
  readonly type: 'charge';
  readonly startedAt: number;
  readonly user?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly name: string;
  readonly nano: number;
}

/** A refusal, a kill or a resume in the process. */
export interface NoteEvent extends EventHead {
  readonly type: 'denied' | 'kill' | 'resume';
  /** The error's code, or the kill's reason. */
  readonly code: string;
  readonly message?: string | undefined;
}

/** POST /v1/ingest */
export interface IngestRequest {
  readonly instance: string;
  readonly sentAt: number;
  readonly events: readonly WireEvent[];
}

/** Why an event was not stored. It lies in the dead letters, and is not to be sent again. */
export interface RejectedEvent {
  readonly index: number;
  readonly id: string | null;
  readonly reason: 'invalid' | 'clock_skew' | 'too_old' | 'conflict';
  readonly detail: string;
}

export interface IngestAnswer {
  readonly accepted: number;
  /** Events that were stored before. */
  readonly duplicates: number;
  readonly rejected: readonly RejectedEvent[];
  /** The agents that the batch named. */
  readonly agents: readonly AgentState[];
  /** Combined totals of the present windows of these agents' own budgets, this batch included. */
  readonly budgets: readonly { readonly budgetId: string; readonly windowStart: number | null; readonly spent: readonly HolderSpend[] }[]; // prettier-ignore
  readonly serverTime: number;
}

/** One process's slice of one shared budget: what it has used, and what it asks for. */
export interface LeaseRequest {
  readonly budgetId: string;
  /** Chosen by the process, a UUID: asking twice opens one lease. */
  readonly leaseId: string;
  /** Rises with each request for this lease; what arrives out of order changes nothing. */
  readonly seq: number;
  readonly windowStart: number | null;
  /** All that the process has charged to this lease so far. */
  readonly used: number;
  /** What the process relies on until it has the answer: `used` plus all it holds or may still hold. At most what was granted. */
  readonly hold: number;
  /** The slice it would like in all, `used` included. */
  readonly want: number;
  /** The least slice that helps it, `used` included. Less than that is not granted. */
  readonly need: number;
  /** The holder's longest call: after expiry plus so much, nothing can be spent from the slice any more. */
  readonly maxCallMs: number;
  /** Gives the lease back for good; `used` is final. */
  readonly close: boolean;
}

/** POST /v1/leases */
export interface LeasesRequest {
  readonly instance: string;
  readonly agent: string;
  readonly leases: readonly LeaseRequest[];
}

export interface LeaseAnswer {
  readonly leaseId: string;
  /** `lost`: the authority has taken it back or never knew it, or its window is over; open another. */
  readonly state: 'open' | 'closed' | 'lost';
  readonly seq: number;
  /** In all, `used` included. */
  readonly granted: number;
  /** From now, by the process's own monotonic clock since it sent the request. */
  readonly expiresInMs: number;
  /** 0 where the authority does not know the lease, its budget or its window: the answer has no figures then. */
  readonly limit: number;
  /** By all processes, as far as they have reported. */
  readonly spent: number;
  /** Granted to other processes and not reported as spent. */
  readonly heldByOthers: number;
  /** Another process waits for what is not there: this one should give back what it does not use, and gets nothing ahead of need. */
  readonly othersWait: boolean;
}

export interface LeasesAnswer {
  readonly leases: readonly LeaseAnswer[];
  readonly state: AgentState;
  readonly serverTime: number;
}

/** A broadcast on the organisation's control topic. */
export type ControlMessage =
  | ({ readonly type: 'kill' | 'resume' } & AgentState)
  | { readonly type: 'limit'; readonly budgetId: string; readonly limit: number; readonly managedBy: LimitHolder };

/** Every error of the HTTP API. */
export interface WireError {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details?: unknown;
  };
}

export { REJECTIONS, type Rejection } from '../rejection.ts';
