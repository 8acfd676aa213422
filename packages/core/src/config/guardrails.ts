/** The `guardrails` option: limits on each run of the agent, and what counts as a loop. */
import { ConfigError } from '../errors.ts';
import { DEFAULT_THRESHOLDS, type LoopThresholds } from '../guardrails/loops.ts';
import type { RunLimits } from '../guardrails/run.ts';
import { usdToNano } from '../money.ts';
import { flag, numberFrom, record, type Check } from './check.ts';

/** Limits on each run of the agent; none by default. */
export interface Guardrails {
  /** Input and output tokens together. Env `AGENTKAVACH_MAX_TOKENS_PER_RUN`. */
  readonly maxTokensPerRun?: number | undefined;
  /** Requests to a provider, retries included. Env `AGENTKAVACH_MAX_CALLS_PER_RUN`. */
  readonly maxCallsPerRun?: number | undefined;
  /** Seconds from the run's first call; what is in flight then is aborted. Env `AGENTKAVACH_MAX_RUNTIME_SECONDS`. */
  readonly maxRuntimeSeconds?: number | undefined;
  /** Tool calls that the model asks for. Env `AGENTKAVACH_MAX_TOOL_CALLS_PER_RUN`. */
  readonly maxToolCallsPerRun?: number | undefined;
  /** Dollars in any 60 seconds. Env `AGENTKAVACH_MAX_USD_PER_MINUTE`. */
  readonly maxUsdPerMinute?: number | undefined;
  /**
   * Stops a run whose conversation repeats itself: 4 equal calls of a tool with equal results, 3 with equal errors, 3 rounds of
   * a cycle of 2 to 5 calls, 3 equal messages. Default false. Env `AGENTKAVACH_DETECT_LOOPS`.
   */
  readonly detectLoops?: boolean | undefined;
  /** The count for every loop rule, from 2 to 100, instead of each rule's own. Needs `detectLoops`. Env `AGENTKAVACH_LOOP_THRESHOLD`. */
  readonly loopThreshold?: number | undefined;
}

/** The checked guardrails, in the engine's units. */
export interface GuardrailPolicy {
  readonly limits: RunLimits;
  /** `undefined`: loops are not looked for. */
  readonly loops: LoopThresholds | undefined;
}

/** The guardrails that are numbers and true or false, for those who read them from texts. */
export const GUARDRAIL_KINDS: Readonly<Record<keyof Guardrails, 'number' | 'flag'>> = {
  maxTokensPerRun: 'number',
  maxCallsPerRun: 'number',
  maxRuntimeSeconds: 'number',
  maxToolCallsPerRun: 'number',
  maxUsdPerMinute: 'number',
  detectLoops: 'flag',
  loopThreshold: 'number',
};

const COUNT = { integer: true } as const;
const NUMBERS = {
  maxTokensPerRun: numberFrom(1, 1e15, { ...COUNT, example: '50_000' }),
  maxCallsPerRun: numberFrom(1, 1e9, { ...COUNT, example: '100' }),
  maxRuntimeSeconds: numberFrom(0.001, 31_536_000, { example: '300' }),
  maxToolCallsPerRun: numberFrom(1, 1e9, { ...COUNT, example: '200' }),
  maxUsdPerMinute: (value, path) => usdToNano(value as number, path),
  loopThreshold: numberFrom(2, 100, { ...COUNT, example: '3' }),
} as const satisfies Partial<Record<keyof Guardrails, Check<number>>>;

/**
 * The checked guardrails.
 *
 * @throws ConfigError naming the guardrail that is wrong and what to write instead
 */
export function checkGuardrails(value: unknown): GuardrailPolicy {
  if (value === undefined) return { limits: {}, loops: undefined };
  const fields = record(value, 'guardrails', Object.keys(GUARDRAIL_KINDS));
  const limit = (key: keyof typeof NUMBERS): number | undefined =>
    fields[key] === undefined ? undefined : NUMBERS[key](fields[key], `guardrails.${key}`);
  return {
    limits: {
      maxTokensPerRun: limit('maxTokensPerRun'),
      maxCallsPerRun: limit('maxCallsPerRun'),
      maxRuntimeSeconds: limit('maxRuntimeSeconds'),
      maxToolCallsPerRun: limit('maxToolCallsPerRun'),
      maxNanoPerMinute: limit('maxUsdPerMinute'),
    },
    loops: checkLoops(fields['detectLoops'], limit('loopThreshold')),
  };
}

/** A threshold alone would look like a guardrail and be none. */
function checkLoops(detect: unknown, threshold: number | undefined): LoopThresholds | undefined {
  if (detect === undefined && threshold !== undefined)
    throw new ConfigError(
      'guardrails.loopThreshold does nothing without detectLoops: write { detectLoops: true, loopThreshold: 3 }.',
      { path: 'guardrails.loopThreshold' },
    );
  if (detect === undefined || !flag(detect, 'guardrails.detectLoops')) return undefined;
  if (threshold === undefined) return DEFAULT_THRESHOLDS;
  return { calls: threshold, errors: threshold, cycles: threshold, messages: threshold };
}
