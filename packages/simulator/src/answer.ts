/**
 * Composes the answer of the simulated model from a script's reply: cuts it to the output cap, counts it, and says
 * what it will be billed. The wire formats only put it into words.
 */
import type { Bill } from './ledger.ts';
import type { PriceTable } from './prices.ts';
import { findPrice } from './prices.ts';
import type { Reply, ReplyUsage } from './reply.ts';
import type { SimulatedRequest } from './request.ts';
import { generateTokens, inChunks, splitTokens } from './tokens.ts';
import type { SimulatedUsage } from './usage.ts';

const DEFAULT_TEXT = 'This is the simulator. Nobody thought about this answer.';
const DEFAULT_CHUNK_TOKENS = 4;
const STANDARD_TIER = { openai: 'default', anthropic: 'standard', google: 'standard', mistral: undefined } as const;

/** A tool call that the model makes. */
export interface AnswerToolCall {
  /** Random letters and digits; each provider puts its own prefix before it. */
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** The input as JSON text. */
  readonly json: string;
  readonly tokens: number;
}

/** A finished answer, before it takes a provider's shape. */
export interface Answer {
  readonly request: SimulatedRequest;
  /** Random letters and digits; each provider puts its own prefix before it. */
  readonly id: string;
  /** Seconds since the Unix epoch. */
  readonly created: number;
  readonly model: string;
  readonly serviceTier: string | undefined;
  readonly reasoning: readonly string[];
  readonly text: readonly string[];
  readonly toolCalls: readonly AnswerToolCall[];
  readonly stop: 'stop' | 'length' | 'tool_calls';
  readonly usage: SimulatedUsage;
  /** Whether the answer reports its usage. */
  readonly tellUsage: boolean;
  readonly chunkTokens: number;
}

/** The model has no price in the simulator's table. */
export class UnpricedModelError extends Error {
  constructor(readonly model: string) {
    super(
      `The model \`${model}\` does not exist: the simulator has no price for it. ` +
        `Pass one: startSimulator({ prices: { '${model}': { input: '1', output: '2' } } }), in dollars per million tokens.`,
    );
    this.name = 'UnpricedModelError';
  }
}

/** What the request will be billed for before any output: known as soon as it arrives. */
export function billFor(request: SimulatedRequest, prices: PriceTable, usage: SimulatedUsage, reply: Reply = {}): Bill {
  const model = reply.model ?? request.model;
  const price = findPrice(prices, model);
  if (!price) throw new UnpricedModelError(model);
  const asked = request.serviceTier;
  const granted = asked !== undefined && price.tiers?.[asked] ? asked : STANDARD_TIER[request.provider];
  return { model, price, usage, serviceTier: reply.serviceTier ?? granted };
}

/** The input side of the usage. */
export function inputUsage(request: SimulatedRequest, override: ReplyUsage = {}): SimulatedUsage {
  const cacheReadTokens = override.cacheRead ?? 0;
  const cacheWrite1hTokens = override.cacheWrite1h ?? 0;
  const cacheWriteTokens = (override.cacheWrite ?? 0) + cacheWrite1hTokens;
  const toolUsePromptTokens = override.toolUsePrompt ?? 0;
  const parts = cacheReadTokens + cacheWriteTokens + toolUsePromptTokens;
  const inputTokens = override.inputTokens ?? Math.max(request.inputTokens + toolUsePromptTokens, parts);
  if (inputTokens < parts) {
    throw new RangeError(
      `usage.inputTokens is the whole input: it must be at least cacheRead + cacheWrite + cacheWrite1h + toolUsePrompt (${parts}), got ${inputTokens}.`,
    );
  }
  return {
    inputTokens,
    cacheReadTokens,
    cacheWriteTokens,
    cacheWrite1hTokens,
    toolUsePromptTokens,
    outputTokens: 0,
    reasoningTokens: 0,
  };
}

/** Composes the answer; `id` gives random letters and digits of a length. */
export function compose(
  request: SimulatedRequest,
  reply: Reply,
  prices: PriceTable,
  id: (length: number) => string,
): { answer: Answer; bill: Bill } {
  let room = request.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  let cut = false;
  const take = (tokens: string[]): string[] => {
    const taken = tokens.slice(0, room);
    cut ||= taken.length < tokens.length;
    room -= taken.length;
    return taken;
  };
  const generates = request.api !== 'embeddings' && request.api !== 'images';
  const reasoning = generates ? take(generateTokens(reply.reasoningTokens ?? 0, request.n + 3)) : [];
  const text = generates ? take(textOf(request, reply)) : [];
  const toolCalls: AnswerToolCall[] = [];
  for (const call of generates ? (reply.toolCalls ?? []) : []) {
    const json = JSON.stringify(call.arguments ?? {});
    const tokens = splitTokens(call.name).length + splitTokens(json).length;
    // A call that the cap cuts short is paid for but can't be made.
    if (cut || tokens > room) {
      cut = true;
      break;
    }
    room -= tokens;
    toolCalls.push({ id: id(24), name: call.name, input: call.arguments ?? {}, json, tokens });
  }
  const complete = reasoning.length + text.length + toolCalls.reduce((sum, call) => sum + call.tokens, 0);
  const output = cut ? (request.maxOutputTokens ?? complete) : complete + request.imageTokens;
  const usage: SimulatedUsage = {
    ...inputUsage(request, reply.usage),
    outputTokens: output * request.candidates,
    reasoningTokens: reasoning.length * request.candidates,
  };
  const bill = billFor(request, prices, usage, reply);
  const answer: Answer = {
    request,
    id: id(24),
    created: Math.floor(Date.now() / 1000),
    model: bill.model,
    serviceTier: bill.serviceTier,
    reasoning,
    text,
    toolCalls,
    stop: cut ? 'length' : toolCalls.length > 0 ? 'tool_calls' : 'stop',
    usage,
    tellUsage: reply.omitUsage !== true,
    chunkTokens: reply.chunkTokens ?? DEFAULT_CHUNK_TOKENS,
  };
  return { answer, bill };
}

/** The answer's reasoning in chunks. */
export const reasoningChunks = (answer: Answer): Iterable<{ text: string; tokens: number }> =>
  inChunks(answer.reasoning, answer.chunkTokens);

/** The answer's text in chunks. */
export const textChunks = (answer: Answer): Iterable<{ text: string; tokens: number }> =>
  inChunks(answer.text, answer.chunkTokens);

function textOf(request: SimulatedRequest, reply: Reply): string[] {
  if (reply.text !== undefined && reply.tokens !== undefined) {
    throw new TypeError('A reply has either text or tokens (generated text of that length), not both.');
  }
  if (reply.tokens !== undefined) return generateTokens(reply.tokens, request.n);
  if (reply.text === undefined && (reply.toolCalls?.length ?? 0) > 0) return [];
  return splitTokens(reply.text ?? DEFAULT_TEXT);
}
