/** What the user writes in `new AgentKavach({ … })`, and the check that turns it into a {@link Policy}. */
import { Budget } from '../budget/budget.ts';
import { systemClock, type Clock } from '../clock.ts';
import { ConfigError, type KillReason } from '../errors.ts';
import { customPrice, type CustomPrice } from '../pricing/price.ts';
import { functionsUrl } from '../backend/backend-url.ts';
import { checkChannel, type Channel } from './channel.ts';
import { flag, numberFrom, oneOf, record, text } from './check.ts';
import { show } from '../show.ts';
import { checkGuardrails, type Guardrails } from './guardrails.ts';
import { readKey } from './key.ts';
import { checkOnThreshold, type ThresholdAction } from './on-threshold.ts';
import { sayOnce } from './say-once.ts';
import type { KillThreshold, Mode, Policy, ProviderName, UnknownModelRule } from './policy.ts';

/** The options of a guard. All are optional, and each that is data has an environment variable. */
export interface KavachOptions {
  /** The agent's name, in errors, events and telemetry. Default `default`. Env `AGENTKAVACH_AGENT_NAME`. */
  readonly agentName?: string | undefined;
  /** One budget or several; a call needs room in all. Default `Budget.daily(100)`. Env `AGENTKAVACH_BUDGET`, such as `daily:50,calls:500:hourly`. */
  readonly budget?: Budget | readonly Budget[] | undefined;
  /** Limits on each run. Default: none. */
  readonly guardrails?: Guardrails | undefined;
  /** `hard`: refuse what could pass the limit. `soft`: refuse once it is spent. `observe`: only report. Default `hard`. Env `AGENTKAVACH_MODE`. */
  readonly mode?: Mode | undefined;
  /** A call is refused rather than given an output cap below this many tokens. Default 256. Env `AGENTKAVACH_MIN_OUTPUT_TOKENS`. */
  readonly minOutputTokens?: number | undefined;
  /** The share of what remains that one call without its own cap may hold for output. Default 1/8. Env `AGENTKAVACH_OUTPUT_SHARE`. */
  readonly outputShare?: number | undefined;
  /** Milliseconds that a call waits for room which other calls hold; 0 refuses at once. Default 30,000. Env `AGENTKAVACH_WAIT_MS`. */
  readonly waitMs?: number | undefined;
  /** Seconds after which a call is aborted. Default 600. Env `AGENTKAVACH_MAX_CALL_SECONDS`. */
  readonly maxCallSeconds?: number | undefined;
  /** Milliseconds after which a stream that nobody reads is settled and cancelled. Default 30,000. Env `AGENTKAVACH_IDLE_MS`. */
  readonly idleMs?: number | undefined;
  /** Tokens added to the output seen when a stream was cancelled. Default 512. Env `AGENTKAVACH_CANCEL_MARGIN_TOKENS`. */
  readonly cancelMarginTokens?: number | undefined;
  /** What a stream is charged when nobody can know its usage: the whole `reservation`, or what was `seen`. Default `reservation`. Env `AGENTKAVACH_ON_UNKNOWN_USAGE`. */
  readonly onUnknownUsage?: 'reservation' | 'seen' | undefined;
  /** What happens to a model without a known price: `deny`, price it at the `ceiling`, or at the given price. Default `deny`. Env `AGENTKAVACH_ON_UNKNOWN_MODEL`. */
  readonly onUnknownModel?: UnknownModelRule | undefined;
  /** Your own prices by model id, in dollars per million tokens; they go before the catalog. */
  readonly prices?: Readonly<Record<string, CustomPrice>> | undefined;
  /** What happens at a threshold; `AgentKavach.channel('kill', { threshold: 0.8 })` stops the agent there. */
  readonly channels?: readonly Channel[] | undefined;
  /** The model to ask instead once a share of a budget is spent, where the framework lets it: `{ 0.8: { model: 'gpt-4o-mini' } }`. Default: none. Env `AGENTKAVACH_ON_THRESHOLD`, as JSON. */
  readonly onThreshold?: Readonly<Record<number, ThresholdAction>> | undefined;
  /** Called once per kill, with its reason. */
  readonly onKill?: ((reason: KillReason) => unknown) | undefined;
  /** An AgentKavach API key; without one the limits are enforced in this process. Env `AGENTKAVACH_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** The backend's address, such as `https://<ref>.supabase.co` or what `npx agentkavach dev` prints; used with `apiKey`. Env `AGENTKAVACH_URL`. */
  readonly url?: string | undefined;
  /** Keeps the spend across restarts where there is no backend: a file's path, or `true` for one in the user's data folder. One process at a time. Default false. Env `AGENTKAVACH_PERSIST`. */
  readonly persist?: boolean | string | undefined;
  /** Sends the first 2,048 characters of each prompt to the backend. Default false. Env `AGENTKAVACH_SAVE_PROMPTS`. */
  readonly savePrompts?: boolean | undefined;
  /** What a malformed API key does: switch the guard off with a warning, throw, or enforce locally. Default `passthrough`. Env `AGENTKAVACH_ON_INVALID_KEY`. */
  readonly onInvalidKey?: 'passthrough' | 'throw' | 'enforce' | undefined;
  /** With an API key and no backend, pooled budgets refuse; `local` pools within this process. Default `refuse`. Env `AGENTKAVACH_ON_BACKEND_UNAVAILABLE`. */
  readonly onBackendUnavailable?: 'refuse' | 'local' | undefined;
  /** Whom `guard.create()` asks: `openai`, `anthropic`, `google` or `mistral`. Default: by the model's name. Env `AGENTKAVACH_PROVIDER`. */
  readonly provider?: ProviderName | undefined;
  /** The provider's API key for `guard.create()`. Default: what its SDK reads, such as `OPENAI_API_KEY`. Env `AGENTKAVACH_LLM_KEY`. */
  readonly llmKey?: string | undefined;
  /** The provider's address for `guard.create()`. Default: its SDK's. Env `AGENTKAVACH_BASE_URL`. */
  readonly baseURL?: string | undefined;
  /** Both clocks, in milliseconds; for tests and simulations. Default: the system's. */
  readonly clock?: Clock | undefined;
}

const COUNT = { integer: true } as const;
const checks = {
  agentName: text(200, `'research-bot'`),
  mode: oneOf<Mode>('hard', 'soft', 'observe'),
  minOutputTokens: numberFrom(1, 1e9, { ...COUNT, example: '256' }),
  outputShare: numberFrom(0.000001, 1, { example: '1 / 8' }),
  waitMs: numberFrom(0, 86_400_000, { example: '30_000' }),
  maxCallSeconds: numberFrom(0.001, 86_400, { example: '600' }),
  idleMs: numberFrom(1, 86_400_000, { example: '30_000' }),
  cancelMarginTokens: numberFrom(0, 1e9, { ...COUNT, example: '512' }),
  onUnknownUsage: oneOf('reservation', 'seen'),
  onInvalidKey: oneOf('passthrough', 'throw', 'enforce'),
  onBackendUnavailable: oneOf('refuse', 'local'),
  url: checkUrl,
  savePrompts: flag,
  persist: checkPersist,
  provider: oneOf<ProviderName>('openai', 'anthropic', 'google', 'mistral'),
  llmKey: text(1_000, 'process.env.OPENAI_API_KEY'),
  baseURL: text(2_000, `'https://api.openai.com/v1'`),
} as const;

/** The address is read by the part that sends to it; here only its mistakes come early. */
function checkUrl(value: unknown, path: string): string {
  const url = text(2_000, `'https://<ref>.supabase.co'`)(value, path);
  functionsUrl(url);
  return url;
}

function checkPersist(value: unknown, path: string): boolean | string {
  if (typeof value === 'boolean') return value;
  return text(1_000, `'./agentkavach-spend.json'`)(value, path);
}

const KNOWN = [
  ...Object.keys(checks),
  'budget',
  'guardrails',
  'onUnknownModel',
  'prices',
  'channels',
  'onThreshold',
  'onKill',
  'apiKey',
  'clock',
];

/**
 * The checked options.
 *
 * @param given the user's options, with what the environment adds already merged in
 * @throws ConfigError naming the option and what to write instead
 */
export function checkOptions(given: KavachOptions): Policy {
  const fields = record(given, 'options', KNOWN);
  const option = <K extends keyof typeof checks, D>(key: K, fallback: D): ReturnType<(typeof checks)[K]> | D =>
    fields[key] === undefined ? fallback : (checks[key](fields[key], key) as ReturnType<(typeof checks)[K]>);
  const agentName = option('agentName', 'default');
  const key = readKey(fields['apiKey'], option('onInvalidKey', 'passthrough'), agentName);
  const mode = option('mode', 'hard');
  const withoutBackend = option('onBackendUnavailable', 'refuse');
  const budgets = checkBudgets(fields['budget'], agentName, key !== 'passthrough');
  const url = option('url', undefined);
  const backend = key === 'keyed' && url !== undefined ? { url, apiKey: fields['apiKey'] as string } : undefined;
  if (key === 'keyed' && backend === undefined)
    sayOnce(
      'no url',
      `agent ${agentName}: an API key was given but no url, so limits are enforced in this process alone. Set url or AGENTKAVACH_URL.`,
    );
  if (url !== undefined && fields['apiKey'] === undefined)
    sayOnce(
      'no key',
      `agent ${agentName}: a url was given but no API key, so limits are enforced in this process alone. Set apiKey or AGENTKAVACH_API_KEY.`,
    );
  const savePrompts = option('savePrompts', false);
  if (savePrompts && backend !== undefined)
    sayOnce('prompts', `savePrompts is on: the first 2,048 characters of each prompt are stored in the backend.`);
  const hasPool = budgets.some(({ scope }) => scope === 'shared' || scope === 'org');
  // Without its backend a pool can't be enforced across processes: a hard limit must not pretend that it is.
  const refusePooled = key === 'keyed' && mode === 'hard' && withoutBackend === 'refuse' && hasPool;
  if (hasPool && !refusePooled && backend === undefined)
    sayOnce('pool', 'shared and org budgets have no backend: their spend is pooled within this process only.');
  return {
    enabled: key !== 'passthrough',
    agentName,
    budgets,
    ...checkGuardrails(fields['guardrails']),
    mode,
    minOutputTokens: option('minOutputTokens', 256),
    outputShare: option('outputShare', 1 / 8),
    waitMs: option('waitMs', 30_000),
    maxCallMs: option('maxCallSeconds', 600) * 1000,
    idleMs: option('idleMs', 30_000),
    cancelMarginTokens: option('cancelMarginTokens', 512),
    onUnknownUsage: option('onUnknownUsage', 'reservation'),
    onUnknownModel: checkUnknownModel(fields['onUnknownModel']),
    prices: checkPrices(fields['prices']),
    killThresholds: checkChannels(fields['channels']),
    modelSwitches: checkOnThreshold(fields['onThreshold']),
    onKill: checkCallback(fields['onKill'], 'onKill'),
    backend,
    savePrompts,
    persist: backend === undefined ? option('persist', false) : false,
    refusePooled,
    poolsLocally: withoutBackend === 'local',
    provider: option('provider', undefined),
    llmKey: option('llmKey', undefined),
    baseURL: option('baseURL', undefined),
    clock: checkClock(fields['clock']),
  };
}

function checkBudgets(value: unknown, agentName: string, enabled: boolean): readonly Budget[] {
  if (value === undefined) {
    // A guard that is off has just said so: a limit named beside that would be believed.
    if (enabled)
      sayOnce(
        'default budget',
        `agent ${agentName}: no budget was set, so it is Budget.daily(100): $100 a day. Set the budget option or AGENTKAVACH_BUDGET to change it.`,
      );
    return [Budget.daily(100)];
  }
  const budgets: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (budgets.length === 0)
    throw new ConfigError(
      `budget must hold at least one budget, such as Budget.daily(50). To watch without a limit, use mode: 'observe'.`,
      { path: 'budget' },
    );
  if (budgets.length > 100)
    throw new ConfigError(`budget may hold at most 100 budgets, got ${budgets.length}.`, { path: 'budget' });
  return budgets.map((budget, index) => {
    if (Budget.isInstance(budget)) return budget;
    const path = Array.isArray(value) ? `budget[${index}]` : 'budget';
    throw new ConfigError(`${path} must be a Budget such as Budget.daily(50), got ${show(budget)}.`, { path });
  });
}

function checkUnknownModel(value: unknown): UnknownModelRule {
  if (value === undefined) return 'deny';
  if (typeof value !== 'object' || value === null) {
    if (value === 'deny' || value === 'ceiling') return value;
    throw new ConfigError(
      `onUnknownModel must be 'deny', 'ceiling' or { inputPerMillion, outputPerMillion }, got ${show(value)}.`,
      { path: 'onUnknownModel' },
    );
  }
  customPrice(value as CustomPrice, 'onUnknownModel');
  return value as CustomPrice;
}

function checkPrices(value: unknown): ReadonlyMap<string, CustomPrice> {
  if (value === undefined) return new Map();
  const fields = record(value, 'prices', undefined);
  for (const [model, price] of Object.entries(fields))
    customPrice(price as CustomPrice, `prices[${JSON.stringify(model)}]`);
  return new Map(Object.entries(fields) as [string, CustomPrice][]);
}

function checkChannels(value: unknown): readonly KillThreshold[] {
  if (value === undefined) return [];
  if (!Array.isArray(value))
    throw new ConfigError(
      `channels must be an array such as [AgentKavach.channel('kill', { threshold: 0.8 })], got ${show(value)}.`,
      { path: 'channels' },
    );
  return value.map((channel, index) => checkChannel(channel, `channels[${index}]`));
}

function checkCallback(value: unknown, path: string): Policy['onKill'] {
  if (value === undefined || typeof value === 'function') return value as Policy['onKill'];
  throw new ConfigError(`${path} must be a function such as (reason) => process.exit(1), got ${show(value)}.`, {
    path,
  });
}

function checkClock(value: unknown): Clock {
  if (value === undefined) return systemClock;
  const clock = record(value, 'clock', undefined) as Partial<Clock>;
  if (typeof clock.now === 'function' && typeof clock.monotonic === 'function') return clock as Clock;
  throw new ConfigError('clock must be { now(), monotonic() }, two functions that return milliseconds.', {
    path: 'clock',
  });
}
