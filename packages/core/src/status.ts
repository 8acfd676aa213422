/** What a guard says about itself: plain data, in the units that the user wrote. */
import { fromUnit } from './budget/budget.ts';
import { toIso } from './budget/denial.ts';
import type { Account, Pool } from './budget/pool.ts';
import type { BackendStatus } from './backend-status.ts';
import type { Connection } from './connection.ts';
import type { Mode } from './config/policy.ts';
import type { Engine } from './engine.ts';
import type { BudgetScope, KillReason } from './errors.ts';
import { nanoToUsd } from './money.ts';
import { currentFrame, type Frame } from './scope.ts';

/**
 * One budget's present window. Amounts in the budget's unit: dollars, tokens or calls. A budget per user or tag shows the
 * account of the caller's run; outside of one, the sum of all accounts, and what the fullest of them has left.
 */
export interface BudgetStatus {
  readonly id: string;
  readonly scope: BudgetScope;
  readonly unit: 'usd' | 'tokens' | 'calls';
  readonly period: string;
  readonly limit: number;
  readonly spent: number;
  /** Held by calls in flight. */
  readonly reserved: number;
  /** What new calls can take: limit less spent and reserved, never below 0. */
  readonly remaining: number;
  /** Whether the budget has stopped its agent in this window. */
  readonly exhausted: boolean;
  /** When the window ends, ISO 8601; `null` for `total`. */
  readonly resetsAt: string | null;
}

/** The run that a call would count in now. */
export interface RunStatus {
  readonly id: string;
  readonly calls: number;
  readonly tokens: number;
  readonly toolCalls: number;
  /** Dollars. */
  readonly spent: number;
  /** Seconds since the run's first call. */
  readonly elapsedSeconds: number;
  /** Why the run takes no more calls. */
  readonly stopped: KillReason | null;
}

/** What `guard.status()` returns. */
export interface Status {
  readonly agentName: string;
  readonly mode: Mode;
  /** Whether new calls are refused: the agent was stopped, or a budget or guardrail has stopped it. */
  readonly killed: boolean;
  /** Why, and who did it where a person or the backend did. */
  readonly kill: { readonly reason: KillReason; readonly by: string | null } | null;
  readonly budgets: readonly BudgetStatus[];
  readonly run: RunStatus;
  /** Calls in flight. */
  readonly inFlight: number;
  readonly backend: BackendStatus;
}

/** The present state of a guard, seen from the run and user around the caller. */
export function statusOf(engine: Engine, connection?: Connection): Status {
  const { clock, agentName, mode, enabled } = engine.policy;
  const frame = currentFrame();
  const now = clock.now();
  const run = engine.runOf(frame);
  const budgets = engine.budgets.pools.map((pool, index) =>
    budgetStatus(engine, pool, engine.budgets.ids[index] ?? '', now, frame),
  );
  const kill = killOf(engine, now);
  return {
    agentName,
    mode,
    killed: kill !== null,
    kill,
    budgets,
    run: {
      id: run.id,
      calls: run.calls,
      tokens: run.tokens,
      toolCalls: run.toolCalls,
      spent: nanoToUsd(run.spent),
      elapsedSeconds: run.elapsedSeconds(clock.monotonic()),
      stopped: run.stopped?.reason ?? null,
    },
    inFlight: engine.inFlight.size,
    backend: connection?.status ?? {
      state: enabled ? 'local' : 'passthrough',
      realtime: false,
      pending: 0,
      dropped: 0,
    },
  };
}

function killOf(engine: Engine, now: number): Status['kill'] {
  const { kill } = engine.killSwitch;
  if (kill !== undefined) return { reason: kill.reason, by: kill.by ?? null };
  const closed = engine.closedAmong(
    engine.budgets.pools
      .filter(({ budget }) => budget.scope !== 'user' && budget.scope !== 'tag')
      .map((pool) => pool.account(now, '')),
  );
  if (closed !== undefined) {
    const { unit } = closed.pool.budget;
    return { reason: unit === 'usd' ? 'cost' : unit, by: null };
  }
  const { stopped } = engine.defaultRun;
  return stopped === undefined ? null : { reason: stopped.reason, by: null };
}

/** A budget that has an account for each user or tag shows the caller's, or outside of any the sum of all. */
function budgetStatus(engine: Engine, pool: Pool, id: string, now: number, frame: Frame | undefined): BudgetStatus {
  const { scope, unit, period } = pool.budget;
  const accounts = accountsShown(pool, now, frame);
  let [spent, reserved, fullest] = [0, 0, 0];
  for (const account of accounts) {
    spent += account.spent;
    reserved += account.reserved;
    fullest = Math.max(fullest, account.spent + account.reserved);
  }
  const end = accounts[0]?.window.end ?? pool.account(now, '').window.end;
  return {
    id,
    scope,
    unit,
    period,
    limit: fromUnit(unit, pool.limit),
    spent: fromUnit(unit, spent),
    reserved: fromUnit(unit, reserved),
    remaining: fromUnit(unit, Math.max(0, pool.limit - fullest)),
    exhausted: engine.closedAmong(accounts) !== undefined,
    resetsAt: toIso(end),
  };
}

function accountsShown(pool: Pool, now: number, frame: Frame | undefined): readonly Account[] {
  const { scope } = pool.budget;
  if (scope === 'user') return frame?.user === undefined ? pool.accounts(now) : [pool.account(now, frame.user)];
  if (scope === 'tag')
    return frame === undefined || frame.tags.length === 0
      ? pool.accounts(now)
      : frame.tags.map((tag) => pool.account(now, tag));
  return [pool.account(now, '')];
}
