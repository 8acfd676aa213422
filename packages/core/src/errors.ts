/**
 * The error family. Every error carries a stable code, JSON-safe figures, and the markers that make the AI SDK and
 * Mastra treat it as final: a refusal must never be retried.
 */

const MARKER = Symbol.for('agentkavach.error');

/** Why an agent, a run or a budget was stopped. */
export type KillReason =
  | 'cost'
  | 'tokens'
  | 'calls'
  | 'tools'
  | 'duration'
  | 'loop'
  | 'velocity'
  | 'manual'
  | 'tier_agent_limit'
  | 'daily_limit'
  | 'org_budget_exceeded'
  | 'key_revoked';

/** The stable codes of all errors. */
export type KavachErrorCode =
  | 'KAVACH_BUDGET_EXCEEDED'
  | 'KAVACH_INGEST_REJECTED'
  | 'KAVACH_KILLED'
  | 'KAVACH_TOKEN_LIMIT'
  | 'KAVACH_CALL_LIMIT'
  | 'KAVACH_RUNTIME_LIMIT'
  | 'KAVACH_VELOCITY_LIMIT'
  | 'KAVACH_TOOL_LIMIT'
  | 'KAVACH_LOOP_DETECTED'
  | 'KAVACH_UNKNOWN_MODEL'
  | 'KAVACH_CALL_TIMEOUT'
  | 'KAVACH_STREAM_IDLE'
  | 'KAVACH_CLOSED'
  | 'KAVACH_PROVIDER_SDK_MISSING'
  | 'KAVACH_CONFIG';

/**
 * The base of every error that this project throws.
 *
 * @example
 * catch (e) { const error = findKavachError(e); if (error) console.error(error.code, error.toJSON()); }
 */
export abstract class KavachError extends Error {
  /** The class's name, written out because bundlers rename classes. */
  static readonly kind: string = 'KavachError';
  /** The stable code: what programs should compare. */
  abstract readonly code: KavachErrorCode;
  /** A refusal stays a refusal: never retry. */
  readonly retryable = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, 'name', { value: new.target.kind, configurable: true, writable: true });
  }

  /** Whether a value is an error of this class, also when it comes from another copy of this package. */
  static isInstance<T extends KavachError>(
    this: (abstract new (...args: never[]) => T) & { kind: string },
    value: unknown,
  ): value is T {
    if (value instanceof this) return true;
    if (typeof value !== 'object' || value === null) return false;
    const lineage: unknown = Reflect.get(value, MARKER);
    return Array.isArray(lineage) && lineage.includes(this.kind);
  }

  /** The error's figures, safe to log and to send. */
  toJSON(): Record<string, unknown> {
    const fields: Record<string, unknown> = { name: this.name, message: this.message };
    for (const [key, value] of Object.entries(this)) if (value !== undefined) fields[key] = value;
    return fields;
  }
}

// On the prototype, so that the markers cost nothing per error and stay out of its fields. The AI SDK retries an
// APICallError only where it says isRetryable; Mastra retries everything else, so ours carry that marker.
Object.defineProperties(KavachError.prototype, {
  [MARKER]: {
    get(this: KavachError): string[] {
      const kinds: string[] = [];
      let prototype: unknown = Object.getPrototypeOf(this);
      while (prototype instanceof KavachError || prototype === KavachError.prototype) {
        kinds.push((prototype as KavachError & { constructor: { kind: string } }).constructor.kind);
        prototype = Object.getPrototypeOf(prototype);
      }
      return kinds;
    },
  },
  isRetryable: { value: false },
  [Symbol.for('vercel.ai.error')]: { value: true },
  [Symbol.for('vercel.ai.error.AI_APICallError')]: { value: true },
});

/** The scopes that a budget can hold. */
export type BudgetScope = 'agent' | 'user' | 'tag' | 'shared' | 'org';

/** The figures of a refused reservation, in the budget's unit: dollars, tokens or calls. */
export interface BudgetFigures {
  /** Whose budget refused. */
  readonly scope: BudgetScope;
  /** The budget's id, as `status()` and `setLimit()` name it. */
  readonly budgetId: string;
  /** `hourly`, `daily`, `weekly`, `monthly` or `total`. */
  readonly period: string;
  /** `usd`, `tokens` or `calls`. */
  readonly unit: string;
  readonly limit: number;
  readonly spent: number;
  /** Held by calls in flight, of this process where several share the budget. */
  readonly reserved: number;
  /** What other processes hold of a shared budget and have not spent, as the backend last said; else 0. */
  readonly heldByOthers: number;
  /** What this call could have cost at worst. */
  readonly requested: number;
  /** When the budget reopens, ISO 8601; `null` for `total`. */
  readonly resetsAt: string | null;
}

/** No room in a budget. Nothing was sent to the provider. */
export class BudgetExceededError extends KavachError implements BudgetFigures {
  static override readonly kind: string = 'BudgetExceededError';
  override readonly code: KavachErrorCode = 'KAVACH_BUDGET_EXCEEDED';
  readonly scope: BudgetScope;
  readonly budgetId: string;
  readonly period: string;
  readonly unit: string;
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
  readonly heldByOthers: number;
  readonly requested: number;
  readonly resetsAt: string | null;

  constructor(message: string, figures: BudgetFigures) {
    super(message);
    this.scope = figures.scope;
    this.budgetId = figures.budgetId;
    this.period = figures.period;
    this.unit = figures.unit;
    this.limit = figures.limit;
    this.spent = figures.spent;
    this.reserved = figures.reserved;
    this.heldByOthers = figures.heldByOthers;
    this.requested = figures.requested;
    this.resetsAt = figures.resetsAt;
  }
}

/** The agent was stopped: by a person, by code, or by the backend. */
export class KilledError extends KavachError {
  static override readonly kind: string = 'KilledError';
  override readonly code = 'KAVACH_KILLED';
  constructor(
    message: string,
    readonly reason: KillReason,
    /** Who stopped it, where known: a person, `code`, `backend`. */
    readonly by?: string,
  ) {
    super(message);
  }
}

/** A limit on one run was reached. */
export abstract class GuardrailError extends KavachError {
  static override readonly kind: string = 'GuardrailError';
  constructor(
    message: string,
    /** The run whose limit was reached. */
    readonly runId: string,
    /** The limit, in the guardrail's own unit. */
    readonly limit: number,
  ) {
    super(message);
  }
}

/** A limit on something that a run counts. */
abstract class CountLimitError extends GuardrailError {
  constructor(
    message: string,
    runId: string,
    limit: number,
    /** What the run has used so far: tokens, calls, or tool calls that the model asked for. */
    readonly used: number,
  ) {
    super(message, runId, limit);
  }
}

/** `maxTokensPerRun` was reached. */
export class TokenLimitError extends CountLimitError {
  static override readonly kind: string = 'TokenLimitError';
  override readonly code = 'KAVACH_TOKEN_LIMIT';
}

/** `maxCallsPerRun` was reached. */
export class CallLimitError extends CountLimitError {
  static override readonly kind: string = 'CallLimitError';
  override readonly code = 'KAVACH_CALL_LIMIT';
}

/** `maxToolCallsPerRun` was reached. */
export class ToolLimitError extends CountLimitError {
  static override readonly kind: string = 'ToolLimitError';
  override readonly code = 'KAVACH_TOOL_LIMIT';
}

/** `maxRuntimeSeconds` was reached. */
export class RuntimeLimitError extends GuardrailError {
  static override readonly kind: string = 'RuntimeLimitError';
  override readonly code = 'KAVACH_RUNTIME_LIMIT';
  constructor(
    message: string,
    runId: string,
    limit: number,
    /** Seconds since the run's first call. */
    readonly elapsed: number,
  ) {
    super(message, runId, limit);
  }
}

/** `maxUsdPerMinute` was reached. */
export class VelocityLimitError extends GuardrailError {
  static override readonly kind: string = 'VelocityLimitError';
  override readonly code = 'KAVACH_VELOCITY_LIMIT';
  constructor(
    message: string,
    runId: string,
    limit: number,
    /** Dollars spent in the last minute. */
    readonly spent: number,
  ) {
    super(message, runId, limit);
  }
}

/** The model's price is not known, and `onUnknownModel` is `deny`. Nothing was sent. */
export class UnknownModelError extends KavachError {
  static override readonly kind: string = 'UnknownModelError';
  override readonly code = 'KAVACH_UNKNOWN_MODEL';
  constructor(
    message: string,
    readonly provider: string,
    readonly model: string,
  ) {
    super(message);
  }
}

/** A call ran longer than `maxCallSeconds` and was aborted. */
export class CallTimeoutError extends KavachError {
  static override readonly kind: string = 'CallTimeoutError';
  override readonly code = 'KAVACH_CALL_TIMEOUT';
  constructor(
    message: string,
    /** The limit in seconds. */
    readonly limit: number,
  ) {
    super(message);
  }
}

/** A stream was not read for `idleMs` and was settled and cancelled. */
export class StreamIdleError extends KavachError {
  static override readonly kind: string = 'StreamIdleError';
  override readonly code = 'KAVACH_STREAM_IDLE';
  constructor(
    message: string,
    /** The limit in milliseconds. */
    readonly limit: number,
  ) {
    super(message);
  }
}

/** The guard was closed; it takes no new calls. */
export class ClosedError extends KavachError {
  static override readonly kind: string = 'ClosedError';
  override readonly code = 'KAVACH_CLOSED';
}

/** An option, a budget or a request is wrong. The message names the field and what to write instead. */
export class ConfigError extends KavachError {
  static override readonly kind: string = 'ConfigError';
  override readonly code = 'KAVACH_CONFIG';
  /** The option, for example `guardrails.maxCallsPerRun`. */
  readonly path: string | undefined;
  /** The line of the YAML file, from 1. */
  readonly line: number | undefined;
  constructor(message: string, at: { path?: string; line?: number } = {}) {
    super(message);
    this.path = at.path;
    this.line = at.line;
  }
}
