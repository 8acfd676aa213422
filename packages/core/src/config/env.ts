/** The options that the environment gives: every option that is data has a variable, so that no code is needed. */
import { Budget } from '../budget/budget.ts';
import { BUDGET_PERIODS, type BudgetPeriod } from '../budget/window.ts';
import { ConfigError } from '../errors.ts';
import { GUARDRAIL_KINDS } from './guardrails.ts';
import type { KavachOptions } from './options.ts';

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

type Read = (value: string, variable: string) => unknown;

const asText: Read = (value) => value;
const asNumber: Read = (value, variable) => {
  const number = Number(value);
  if (value.trim() !== '' && Number.isFinite(number)) return number;
  throw new ConfigError(`${variable} must be a number, got ${JSON.stringify(value)}.`, { path: variable });
};
const asJson: Read = (value, variable) => {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    throw new ConfigError(
      `${variable} must be JSON such as {"my-model":{"inputPerMillion":3,"outputPerMillion":12}}.`,
      { path: variable },
    );
  }
};

const asFlag: Read = (value, variable) => {
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new ConfigError(`${variable} must be true or false, got ${JSON.stringify(value)}.`, { path: variable });
};

const OPTIONS: Partial<Record<keyof KavachOptions, Read>> = {
  agentName: asText,
  budget: readBudgets,
  mode: asText,
  minOutputTokens: asNumber,
  outputShare: asNumber,
  waitMs: asNumber,
  maxCallSeconds: asNumber,
  idleMs: asNumber,
  cancelMarginTokens: asNumber,
  onUnknownUsage: asText,
  onUnknownModel: (value, variable) => (value.startsWith('{') ? asJson(value, variable) : value),
  prices: asJson,
  onThreshold: asJson,
  apiKey: asText,
  url: asText,
  savePrompts: asFlag,
  persist: (value) => (value === 'true' ? true : value === 'false' ? false : value),
  onInvalidKey: asText,
  onBackendUnavailable: asText,
  provider: asText,
  llmKey: asText,
  baseURL: asText,
};

/**
 * The user's options with the environment's where the user gave none. A variable that is set to nothing counts as not
 * set: an empty `AGENTKAVACH_API_KEY` must not switch the guard off.
 *
 * @throws ConfigError naming the variable whose value can't be read
 */
export function withEnvironment(options: KavachOptions, environment: Environment): KavachOptions {
  const merged: Record<string, unknown> = { ...options };
  for (const [key, read] of Object.entries(OPTIONS)) {
    const variable = variableOf(key);
    const value = environment[variable];
    if (merged[key] === undefined && value !== undefined && value !== '') merged[key] = read(value, variable);
  }
  const { guardrails } = options;
  if (guardrails !== undefined && !isObject(guardrails)) return merged; // refused later, with its own message
  const limits: Record<string, unknown> = { ...guardrails };
  for (const [key, kind] of Object.entries(GUARDRAIL_KINDS)) {
    const variable = variableOf(key);
    const value = environment[variable];
    if (limits[key] === undefined && value !== undefined && value !== '') {
      limits[key] = kind === 'flag' ? asFlag(value, variable) : asNumber(value, variable);
    }
  }
  if (Object.keys(limits).length > 0) merged['guardrails'] = limits;
  return merged;
}

/** `daily:50`, `tokens:1000000:daily` or `calls:500:hourly`, several separated by commas. */
function readBudgets(value: string, variable: string): Budget[] {
  return value.split(',').map((item) => {
    try {
      return readBudget(item, variable);
    } catch (error) {
      throw ConfigError.isInstance(error) ? naming(variable, error) : error;
    }
  });
}

function readBudget(item: string, variable: string): Budget {
  const parts = item.trim().split(':');
  const [kind = '', amount = '', period = ''] = parts;
  if (isPeriod(kind) && parts.length === 2) return Budget[kind](asNumber(amount, variable) as number);
  if ((kind === 'tokens' || kind === 'calls') && isPeriod(period) && parts.length === 3)
    return Budget[kind](asNumber(amount, variable) as number, period);
  throw new ConfigError(
    `${variable} must be a list such as daily:50,total:500,tokens:1000000:daily,calls:500:hourly; could not read ${JSON.stringify(item)}. Periods: ${BUDGET_PERIODS.join(', ')}.`,
    { path: variable },
  );
}

/** The error with the variable before it that gave the value: whoever reads it may not know the option. */
export function naming(variable: string, error: ConfigError): ConfigError {
  return error.path === variable ? error : new ConfigError(`${variable}: ${error.message}`, { path: variable });
}

function isPeriod(value: string): value is BudgetPeriod {
  return (BUDGET_PERIODS as readonly string[]).includes(value);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every variable that gives an option, for those who look for misspelt ones. */
export function optionVariables(): readonly string[] {
  return [...Object.keys(OPTIONS), ...Object.keys(GUARDRAIL_KINDS)].map(variableOf);
}

/** The variable of an option or a guardrail. */
export function variableOf(key: string): string {
  return `AGENTKAVACH_${key.replace(/[A-Z]+/g, (letters) => `_${letters}`).toUpperCase()}`;
}
