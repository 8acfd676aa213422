/**
 * The authority of shared budgets in memory, by the same rules as the database: one ledger of windows and leases, on a
 * clock that the test holds. {@link FakeNetwork} stands between it and a process.
 */
import type { LeaseAuthority } from '../budget/lease-exchange.ts';
import { windowAt, type BudgetPeriod } from '../budget/window.ts';
import type { LeaseAnswer, LeaseRequest, LeasesAnswer, LeasesRequest } from '../wire/index.ts';

/** Either side of a window's border in which the authority still or already takes it for the present one. */
const BORDER_MS = 60_000;

/** Who was refused what a call of it needs is taken to wait for so long; it asks again sooner. */
const WANTED_MS = 2_000;

/** What the authority knows of one window of a budget. */
export interface WindowRow {
  spent: number;
  /** Granted and not reported as used, over all open leases. */
  leased: number;
  /** The part of `spent` that was charged for leases of holders who vanished. */
  estimated: number;
}

/** A lease as the authority knows it. */
export interface LeaseRow {
  readonly id: string;
  readonly budgetId: string;
  readonly windowStart: number | null;
  readonly instance: string;
  granted: number;
  used: number;
  seq: number;
  state: 'open' | 'closed' | 'expired';
  expiresAt: number;
  reclaimAt: number;
  /** Charged when it expired, for what was not reported. */
  charged: number;
}

interface BudgetRow {
  limit: number;
  readonly period: BudgetPeriod;
  readonly windows: Map<number | null, WindowRow>;
}

/** Terms in milliseconds. */
export interface AuthorityTerms {
  readonly leaseMs: number;
  /** Beyond the expiry and the holder's longest call, before a lease is taken back. */
  readonly marginMs: number;
}

/**
 * The authority.
 *
 * @example
 * const authority = new FakeAuthority(() => clock.now());
 * authority.declare('team', 1_000, 'total');
 * const desk = new LeaseDesk({ authority, … });
 */
export class FakeAuthority implements LeaseAuthority {
  readonly leaseRows = new Map<string, LeaseRow>();
  /** Requests that arrived. */
  requests = 0;
  isKilled = false;
  readonly #budgets = new Map<string, BudgetRow>();
  /** The lease that was last refused what it needs, of each window. */
  readonly #wanted = new Map<WindowRow, { readonly by: string; readonly until: number }>();
  readonly #now: () => number;
  readonly #terms: AuthorityTerms;

  constructor(now: () => number, terms: AuthorityTerms = { leaseMs: 60_000, marginMs: 10_000 }) {
    this.#now = now;
    this.#terms = terms;
  }

  /** Makes a budget. */
  declare(budgetId: string, limit: number, period: BudgetPeriod): void {
    this.#budgets.set(budgetId, { limit, period, windows: new Map() });
  }

  /** Changes a budget's limit; what is leased stays leased. */
  setLimit(budgetId: string, limit: number): void {
    this.#budget(budgetId).limit = limit;
  }

  /** The figures of a window; of the present one by default. */
  window(budgetId: string, windowStart = this.#presentWindow(budgetId, this.#now())): WindowRow {
    const { windows } = this.#budget(budgetId);
    let row = windows.get(windowStart);
    if (row === undefined) windows.set(windowStart, (row = { spent: 0, leased: 0, estimated: 0 }));
    return row;
  }

  /** Every window that anything was leased from, by its start. */
  windows(budgetId: string): ReadonlyMap<number | null, WindowRow> {
    return this.#budget(budgetId).windows;
  }

  async leases(request: LeasesRequest): Promise<LeasesAnswer> {
    return this.answer(request);
  }

  /** Answers at once, in one transaction. */
  answer({ instance, agent, leases }: LeasesRequest): LeasesAnswer {
    this.requests += 1;
    return {
      leases: leases.map((request) => this.#lease(instance, request)),
      state: { agent, killed: this.isKilled, epoch: 0, reason: null, by: null },
      serverTime: this.#now(),
    };
  }

  /** The job that charges what vanished holders never reported. @returns how many leases it ended */
  expireLeases(): number {
    let ended = 0;
    for (const row of this.leaseRows.values()) {
      if (row.state !== 'open' || row.reclaimAt >= this.#now()) continue;
      const window = this.window(row.budgetId, row.windowStart);
      const rest = row.granted - row.used;
      row.state = 'expired';
      row.charged = Math.max(0, rest);
      window.leased -= rest;
      window.spent += row.charged;
      window.estimated += row.charged;
      ended += 1;
    }
    return ended;
  }

  #lease(instance: string, request: LeaseRequest): LeaseAnswer {
    const row = this.leaseRows.get(request.leaseId) ?? this.#open(instance, request);
    if (row === undefined) return this.#answer(request, undefined);
    if (request.seq <= row.seq) return this.#answer(request, row);
    if (row.state === 'expired' && !request.close) return this.#answer(request, row);
    row.seq = request.seq;
    if (row.state === 'closed') return this.#answer(request, row);
    const window = this.window(row.budgetId, row.windowStart);
    if (row.state === 'expired') {
      window.spent -= row.charged;
      window.estimated -= row.charged;
    } else {
      window.leased -= row.granted - row.used;
    }
    const used = Math.max(row.used, request.used);
    window.spent += used - row.used;
    row.used = used;
    if (request.close) {
      row.state = 'closed';
      row.granted = used;
      return this.#answer(request, row);
    }
    row.granted = this.#grant(row, window, request);
    window.leased += row.granted - row.used;
    this.#note(row, window, request.need);
    row.expiresAt = this.#now() + this.#terms.leaseMs;
    row.reclaimAt = row.expiresAt + request.maxCallMs + this.#terms.marginMs;
    return this.#answer(request, row);
  }

  /** What a lease gets: less as the budget empties, but all that is needed while it is there. */
  #grant(row: LeaseRow, window: WindowRow, { hold, want, need }: LeaseRequest): number {
    const { limit } = this.#budget(row.budgetId);
    const { used, granted } = row;
    const kept = Math.max(used, Math.min(hold, granted));
    const free = limit - window.spent - window.leased; // without this lease's own rest
    const most = used + Math.max(0, free);
    if (this.isKilled || need > most) return kept;
    // Nothing ahead of need while another process waits.
    const ahead = this.#othersWait(window, row.id) ? need : used + Math.floor(free / 4);
    const slice = Math.min(want, Math.max(need, ahead));
    const target = Math.max(kept, Math.min(slice, most));
    return target >= need ? target : kept;
  }

  /** Takes note of who waits for more than there is. */
  #note({ id, granted }: LeaseRow, window: WindowRow, need: number): void {
    if (granted < need && !this.isKilled) this.#wanted.set(window, { by: id, until: this.#now() + WANTED_MS });
    else if (this.#wanted.get(window)?.by === id) this.#wanted.delete(window);
  }

  #othersWait(window: WindowRow, id: string): boolean {
    const wanted = this.#wanted.get(window);
    return wanted !== undefined && wanted.by !== id && wanted.until > this.#now();
  }

  #open(instance: string, request: LeaseRequest): LeaseRow | undefined {
    const { budgetId, windowStart, leaseId: id } = request;
    const now = this.#now();
    const isPresent = [now, now - BORDER_MS, now + BORDER_MS].some(
      (at) => this.#presentWindow(budgetId, at) === windowStart,
    );
    if (!isPresent) return undefined;
    const row: LeaseRow = {
      id,
      budgetId,
      windowStart,
      instance,
      granted: 0,
      used: 0,
      seq: 0,
      state: 'open',
      expiresAt: now,
      reclaimAt: now,
      charged: 0,
    };
    this.leaseRows.set(id, row);
    return row;
  }

  #answer({ leaseId, seq, budgetId, windowStart }: LeaseRequest, row: LeaseRow | undefined): LeaseAnswer {
    if (row === undefined) {
      const nothing = { granted: 0, expiresInMs: 0, limit: 0, spent: 0, heldByOthers: 0, othersWait: false };
      return { leaseId, state: 'lost', seq, ...nothing };
    }
    const { limit } = this.#budget(budgetId);
    const window = this.window(budgetId, windowStart);
    const { spent, leased } = window;
    const isOpen = row.state === 'open';
    return {
      leaseId,
      state: row.state === 'expired' ? 'lost' : row.state,
      seq: row.seq,
      granted: isOpen ? row.granted : 0,
      expiresInMs: isOpen ? Math.max(0, row.expiresAt - this.#now()) : 0,
      limit,
      spent,
      heldByOthers: isOpen ? leased - (row.granted - row.used) : leased,
      othersWait: this.#othersWait(window, leaseId),
    };
  }

  #presentWindow(budgetId: string, at: number): number | null {
    const { start } = windowAt(this.#budget(budgetId).period, 'UTC', at);
    return Number.isFinite(start) ? start : null;
  }

  #budget(budgetId: string): BudgetRow {
    const budget = this.#budgets.get(budgetId);
    if (budget === undefined) throw new Error(`No budget ${budgetId} was declared.`);
    return budget;
  }
}
