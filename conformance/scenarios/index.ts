/** All scenarios, in the order of the page. */
import type { Scenario } from '../scenario.ts';
import { abortStream } from './abort-stream.ts';
import { abort } from './abort.ts';
import { burst } from './burst.ts';
import { cachedAnswer } from './cached-answer.ts';
import { cheaperModel } from './cheaper-model.ts';
import { consumerBreak } from './consumer-break.ts';
import { denied } from './denied.ts';
import { equalTools } from './equal-tools.ts';
import { errorAnswer } from './error-answer.ts';
import { exhaustedDollars } from './exhausted-dollars.ts';
import { exhaustedTokens } from './exhausted-tokens.ts';
import { explodingOutput } from './exploding-output.ts';
import { killStream } from './kill-stream.ts';
import { kill } from './kill.ts';
import { limitRaised } from './limit-raised.ts';
import { loweredCap } from './lowered-cap.ts';
import { missingUsage } from './missing-usage.ts';
import { parallelTools } from './parallel-tools.ts';
import { plainAnswer } from './plain-answer.ts';
import { resume } from './resume.ts';
import { retryRefused } from './retry-refused.ts';
import { retry } from './retry.ts';
import { runsAtOnce } from './runs-at-once.ts';
import { stopBeforePrompt, stopCondition } from './stop-condition.ts';
import { stuckLoop } from './stuck-loop.ts';
import { subAgents } from './sub-agents.ts';
import { toolLimit } from './tool-limit.ts';
import { toolLoop } from './tool-loop.ts';
import { toolTimeOut } from './tool-time-out.ts';
import { unknownModel } from './unknown-model.ts';

export const SCENARIOS: readonly Scenario[] = [
  plainAnswer,
  toolLoop,
  stopCondition,
  toolLimit,
  stuckLoop,
  equalTools,
  parallelTools,
  subAgents,
  runsAtOnce,
  burst,
  loweredCap,
  exhaustedDollars,
  exhaustedTokens,
  cheaperModel,
  explodingOutput,
  stopBeforePrompt,
  limitRaised,
  toolTimeOut,
  retry,
  retryRefused,
  errorAnswer,
  denied,
  unknownModel,
  missingUsage,
  cachedAnswer,
  abort,
  abortStream,
  consumerBreak,
  kill,
  killStream,
  resume,
];
