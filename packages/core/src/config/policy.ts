/** The checked options of one guard, in the units that the engine counts in. */
import type { Budget } from '../budget/budget.ts';
import type { Clock } from '../clock.ts';
import type { KillReason } from '../errors.ts';
import type { CustomPrice } from '../pricing/price.ts';
import type { GuardrailPolicy } from './guardrails.ts';

/** What happens at a limit: refuse before it can be passed, refuse once it is spent, or only report. */
export type Mode = 'hard' | 'soft' | 'observe';

/** The providers that `create()` can ask. */
export type ProviderName = 'openai' | 'anthropic' | 'google' | 'mistral';

/** What happens to a model whose price nobody knows. */
export type UnknownModelRule = 'deny' | 'ceiling' | CustomPrice;

/** A share of the limit at which the agent is killed. */
export interface KillThreshold {
  readonly threshold: number;
  /** Only budgets that count this; all when it is left out. */
  readonly budgetType: 'cost' | 'tokens' | 'calls' | undefined;
}

/** From this share of a budget on, another model is asked. */
export interface ModelSwitch {
  readonly threshold: number;
  readonly model: string;
}

/** Where a guard reports to. */
export interface BackendAccess {
  /** Without a path: `https://<ref>.supabase.co`. */
  readonly url: string;
  readonly apiKey: string;
}

/** The checked options of one guard. */
export interface Policy extends GuardrailPolicy {
  /** False in passthrough: calls go to the provider as they are. */
  readonly enabled: boolean;
  readonly agentName: string;
  readonly budgets: readonly Budget[];
  readonly mode: Mode;
  readonly minOutputTokens: number;
  readonly outputShare: number;
  readonly waitMs: number;
  readonly maxCallMs: number;
  readonly idleMs: number;
  readonly cancelMarginTokens: number;
  readonly onUnknownUsage: 'reservation' | 'seen';
  readonly onUnknownModel: UnknownModelRule;
  readonly prices: ReadonlyMap<string, CustomPrice>;
  readonly killThresholds: readonly KillThreshold[];
  /** The highest threshold first. */
  readonly modelSwitches: readonly ModelSwitch[];
  readonly onKill: ((reason: KillReason) => unknown) | undefined;
  /** `undefined`: limits are enforced in this process alone. */
  readonly backend: BackendAccess | undefined;
  /** Prompts' first characters go to the backend. */
  readonly savePrompts: boolean;
  /** The file that keeps the spend; `true`: the default one. */
  readonly persist: boolean | string;
  /** Pooled budgets need a backend that is not there: calls that they cover are refused. */
  readonly refusePooled: boolean;
  /** Without its backend, pooled budgets go by their limit and by what is known of others' spend. */
  readonly poolsLocally: boolean;
  /** Whom `create()` asks, where the request does not say it. */
  readonly provider: ProviderName | undefined;
  readonly llmKey: string | undefined;
  readonly baseURL: string | undefined;
  readonly clock: Clock;
}
