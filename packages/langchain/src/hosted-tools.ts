/**
 * Tools that the provider runs itself, inside one request: the fee of each call that it may make, and how often it reads
 * the input for them. Names of fees are the catalog's.
 */
import { ConfigError, type AgentKavach } from '@agentkavach/core';
import { openAISearchModelFees } from '@agentkavach/core/providers';
import type { ModelName } from './model-name.ts';
import { count, fields, list, text, type Fields } from './shape.ts';

/** What a request's hosted tools may cost. */
export interface HostedFees {
  readonly isHosted: boolean;
  readonly inputRounds: number | undefined;
  readonly toolCalls: Readonly<Record<string, number>> | undefined;
}

const NONE: HostedFees = { isHosted: false, inputRounds: undefined, toolCalls: undefined };

/** Tools of a provider's own that the caller runs. */
const CALLER_RUN = /^(function|custom|bash|computer|text_editor|str_replace|memory|local_shell|apply_patch|object)/;
const GOOGLE_HOSTED = /^(google_?search|googleSearchRetrieval|code_?execution|url_?context|google_?maps)/i;

/** How often Anthropic lets a model go on by itself before it answers `pause_turn`. */
const ANTHROPIC_LOOP = 10;

interface HostedTool {
  readonly name: string;
  readonly fee: string | undefined;
  /** The most calls; `undefined` where nothing limits them. */
  readonly most: number | undefined;
}

/** The fees and rounds that a request has to be held with. */
export function hostedFees(name: ModelName, params: Fields): HostedFees {
  const hosted = hostedTools(name, params);
  const fees = openAISearchModelFees(name.model);
  if (hosted.length === 0) return fees === undefined ? NONE : { ...NONE, toolCalls: fees };
  const toolCalls: Record<string, number> = { ...fees };
  let rounds = 1;
  for (const { fee, most = 1 } of hosted) {
    rounds += most;
    if (fee !== undefined) toolCalls[fee] = (toolCalls[fee] ?? 0) + most;
  }
  return { isHosted: true, inputRounds: rounds, toolCalls };
}

/**
 * Refuses what a hard limit can't hold: tools that the provider may run as often as it likes.
 *
 * @throws ConfigError under a hard limit, naming the tool and its own limit; nothing was sent
 */
export function assertHoldable(guard: AgentKavach, name: ModelName, params: Fields): void {
  const hosted = hostedTools(name, params);
  const unlimited = hosted.find(({ most }) => most === undefined);
  if (unlimited === undefined || guard.status().mode !== 'hard') return;
  throw new ConfigError(
    `A hard limit can't hold the tool ${unlimited.name}: ${name.provider} runs it as often as it likes inside one request. ` +
      `Limit it (max_uses on Anthropic's tools, modelKwargs: { max_tool_calls } for OpenAI), use an ordinary tool, or set mode: 'soft'.`,
    { path: 'tools' },
  );
}

function hostedTools(name: ModelName, params: Fields): readonly HostedTool[] {
  const found: HostedTool[] = [];
  for (const entry of list(params['tools'])) {
    const tool = fields(entry);
    if (tool === undefined) continue;
    const type = text(tool['type']);
    if (type === undefined) found.push(...googleTools(name, tool));
    else if (!CALLER_RUN.test(type)) found.push(hostedTool(name, type, tool, params));
  }
  return found;
}

function hostedTool(name: ModelName, type: string, tool: Fields, params: Fields): HostedTool {
  const kind = type.replace(/_\d{8}$/, '');
  if (name.provider === 'anthropic') {
    const isWeb = kind === 'web_search' || kind === 'web_fetch';
    return { name: type, fee: feeOf(kind), most: isWeb ? count(tool['max_uses']) : ANTHROPIC_LOOP };
  }
  return { name: type, fee: feeOf(kind), most: count(params['max_tool_calls']) };
}

function googleTools({ model }: ModelName, tool: Fields): HostedTool[] {
  return Object.keys(tool)
    .filter((key) => GOOGLE_HOSTED.test(key))
    .map((key) => {
      // Gemini 3 and later bill each query, and take no limit for them; earlier models bill the prompt.
      const perQuery = /search/i.test(key) && !/gemini-(1|2)(\.|-)/.test(model);
      const fee = /search/i.test(key) ? 'google_search' : /maps/i.test(key) ? 'google_maps' : undefined;
      return { name: key, fee, most: perQuery ? undefined : 1 };
    });
}

function feeOf(kind: string): string | undefined {
  if (kind === 'code_interpreter') return 'code_execution';
  if (/^(mcp|tool_search|web_fetch|advisor)/.test(kind)) return undefined;
  return kind;
}
