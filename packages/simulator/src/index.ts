/** LLM providers on localhost that speak the real wire formats and keep a ledger of what they billed. */
export { loadScript, parseScript, ScriptError } from './load-script.ts';
export type { Ledger, LedgerEntry, LedgerFilter, Outcome } from './ledger.ts';
export { costNano, findPrice, PRICES, PRICES_AS_OF } from './prices.ts';
export type { Price, PriceTable, Rates } from './prices.ts';
export type { Reply, ReplyError, ReplyToolCall, ReplyUsage } from './reply.ts';
export type { Api, Provider, SimulatedRequest } from './request.ts';
export type { RuleMatch, Script, ScriptRule } from './script.ts';
export { startSimulator } from './simulator.ts';
export type { Simulator, SimulatorOptions, StartedRequest } from './simulator.ts';
export type { SimulatedUsage } from './usage.ts';
