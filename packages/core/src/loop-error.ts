/** The error of the loop guardrail. */
import { GuardrailError } from './errors.ts';

/** Which rule found the loop: the same call with the same result, the same failing call, a cycle of calls, the same message. */
export type LoopRule = 'repeated-call' | 'repeated-error' | 'cycle' | 'repeated-message';

/** The agent repeats itself. Nothing was sent. */
export class LoopDetectedError extends GuardrailError {
  static override readonly kind: string = 'LoopDetectedError';
  override readonly code = 'KAVACH_LOOP_DETECTED';
  constructor(
    message: string,
    runId: string,
    /** How often the rule allows it. */
    limit: number,
    readonly rule: LoopRule,
    /** What repeats: names of tools with their arguments, shortened, in order; or the message. */
    readonly pattern: readonly string[],
    /** How often it was seen in a row. */
    readonly count: number,
  ) {
    super(message, runId, limit);
  }
}
