/** Hard budget limits and guardrails for LLM calls: every public name of the engine. */
export { AgentKavach } from './kavach.ts';
export { Budget, type BudgetOptions, type BudgetUnit, type PooledBudgetOptions } from './budget/budget.ts';
export type { BudgetPeriod } from './budget/window.ts';
export type {
  CallGrant,
  CallRequest,
  CallResult,
  MessageTurn,
  PriceHints,
  StreamMeter,
  StreamResult,
  ToolTurn,
  Turn,
  Usage,
  UsagePart,
} from './call.ts';
export type {
  Answers,
  ChatMessage,
  ChatParams,
  ChatPart,
  ChatTool,
  ChatToolCall,
  CreateOptions,
  CreateParams,
  CreateRequest,
  ProviderName,
  ProviderOf,
} from './clients/create-types.ts';
export type { Clock } from './clock.ts';
export type { Channel, KillChannelOptions } from './config/channel.ts';
export type { BackendStatus } from './backend-status.ts';
export { optionVariables } from './config/env.ts';
export { environmentFault } from './config/environment-fault.ts';
export type { Guardrails } from './config/guardrails.ts';
export type { KavachOptions } from './config/options.ts';
export type { ThresholdAction } from './config/on-threshold.ts';
export type { Mode, UnknownModelRule } from './config/policy.ts';
export {
  BudgetExceededError,
  CallLimitError,
  CallTimeoutError,
  ClosedError,
  ConfigError,
  GuardrailError,
  KavachError,
  KilledError,
  RuntimeLimitError,
  StreamIdleError,
  TokenLimitError,
  ToolLimitError,
  UnknownModelError,
  VelocityLimitError,
  type BudgetFigures,
  type BudgetScope,
  type KavachErrorCode,
  type KillReason,
} from './errors.ts';
export type {
  CallOutcome,
  DeniedEvent,
  KavachEvents,
  KillEvent,
  ResumeEvent,
  SpendEvent,
  ThresholdEvent,
} from './events.ts';
export { findKavachError } from './find-error.ts';
export { LoopDetectedError, type LoopRule } from './loop-error.ts';
export { ProviderSdkMissingError } from './provider-sdk-error.ts';
export type { CallFigures, ReservedCall } from './reserved-call.ts';
export { IngestRejectedError, type Rejection } from './rejection.ts';
export { FEE, type CustomPrice } from './pricing/price.ts';
export type { RunContext, RunScope } from './run-scope.ts';
export type { BudgetStatus, RunStatus, Status } from './status.ts';
