/**
 * Tools that the provider runs itself: how often a request lets it, what each call costs, and how often the input is
 * read for it. Names of fees are the catalog's.
 */
import { isHosted, kindOf, prefixOf } from './tool-kind.ts';
import { count, fields, list, text, type Fields } from './shape.ts';

/** The most calls that are allowed where the request sets no limit of its own. */
export const TOOL_CALL_CEILING = 5;

/**
 * How often Anthropic lets a model go on by itself before it answers `pause_turn`
 * (platform.claude.com/docs/en/build-with-claude/handling-stop-reasons, pause_turn).
 */
const ANTHROPIC_LOOP = 10;

const FEES: Readonly<Record<string, string>> = {
  web_search: 'web_search',
  web_search_premium: 'web_search',
  web_search_preview: 'web_search_preview',
  file_search: 'file_search',
  code_execution: 'code_execution',
  google_search: 'google_search',
  enterprise_web_search: 'google_search',
  google_maps: 'google_maps',
  image_generation: 'image_generation',
  x_search: 'web_search',
};

/** Hosted tools without a fee: they cost tokens only. */
const WITHOUT_FEE =
  /^(mcp|tool_search|web_fetch|url_context|programmatic_tool_calling|advisor|vertex_rag_store|agent_engine)/;

/** OpenAI's containers by their memory (developers.openai.com/api/docs/pricing); 1 GB where none is asked for. */
const CONTAINERS: Readonly<Record<string, string>> = {
  '1g': 'code_execution',
  '4g': 'code_execution_4g',
  '16g': 'code_execution_16g',
  '64g': 'code_execution_64g',
};

/**
 * What holds the number of calls down: one limit for the whole request (OpenAI), one on the tool (Anthropic's web
 * tools), Anthropic's own loop, a bill by the prompt (Google), or nothing.
 */
export type CallLimit = 'request' | 'tool' | 'loop' | 'prompt' | 'none';

/** One hosted tool of a request. */
export interface HostedTool {
  readonly name: string;
  /** As in the SDK: `anthropic.web_search_20250305`. */
  readonly id: string;
  /** `undefined` for tools that cost tokens only. */
  readonly fee: string | undefined;
  readonly limit: CallLimit;
  /** The most calls that the request allows. */
  readonly most: number;
}

const NONE: readonly HostedTool[] = [];

/** The tools of a request that the provider runs. */
export function hostedTools(tools: unknown, providerOptions: unknown, model: string): readonly HostedTool[] {
  let hosted: HostedTool[] | undefined;
  // A plain loop: this runs before every call, and most calls have none.
  for (const entry of list(tools)) {
    const tool = entry as Fields | null;
    if (!isHosted(tool)) continue;
    hosted ??= [];
    hosted.push(hostedTool(tool, providerOptions, model));
  }
  return hosted ?? NONE;
}

function hostedTool(tool: Fields, providerOptions: unknown, model: string): HostedTool {
  const id = text(tool['id']) ?? '';
  const kind = kindOf(tool);
  const args = fields(tool['args']);
  const limit = limitOf(id, kind, model);
  return {
    name: text(tool['name']) ?? kind,
    id,
    fee: feeOf(kind, args),
    limit,
    most: mostCalls(limit, args, providerOptions),
  };
}

function feeOf(kind: string, args: Fields | undefined): string | undefined {
  if (kind === 'shell') return containerFee(args?.['environment']);
  if (kind === 'code_interpreter') return containerFee(args?.['container'] ?? {});
  if (WITHOUT_FEE.test(kind)) return undefined;
  // A tool that we have not heard of keeps its own name, which the catalog charges at the provider's dearest fee.
  return Object.hasOwn(FEES, kind) ? FEES[kind] : kind;
}

/** A container that exists already may be of any size. */
function containerFee(container: unknown): string {
  const settings = fields(container);
  if (settings === undefined || settings['type'] === 'containerReference') return 'code_execution_64g';
  const memory = text(settings['memoryLimit']) ?? '1g';
  return (Object.hasOwn(CONTAINERS, memory) ? CONTAINERS[memory] : undefined) ?? 'code_execution_64g';
}

function limitOf(id: string, kind: string, model: string): CallLimit {
  switch (prefixOf(id)) {
    case 'openai':
    case 'azure':
      return 'request';
    case 'anthropic':
      return kind === 'web_search' || kind === 'web_fetch' ? 'tool' : 'loop';
    case 'google':
      return billsQueries(kind, model) ? 'none' : 'prompt';
    default:
      return 'none';
  }
}

/**
 * Whether Google bills each search query, and not the prompt: Gemini 3 and later (ai.google.dev/gemini-api/docs/pricing).
 * A tool that we have not heard of may do so too.
 */
function billsQueries(kind: string, model: string): boolean {
  if (kind === 'google_search' || kind === 'enterprise_web_search') return searchesByQuery(model);
  return !WITHOUT_FEE.test(kind) && !Object.hasOwn(FEES, kind);
}

/** Whether a Gemini model bills each search query. */
export function searchesByQuery(model: string): boolean {
  return !/gemini-(1|2)(\.|-)/.test(model);
}

function mostCalls(limit: CallLimit, args: Fields | undefined, providerOptions: unknown): number {
  switch (limit) {
    case 'request':
      return requestLimit(providerOptions) ?? TOOL_CALL_CEILING;
    case 'tool':
      return count(args?.['maxUses']) ?? TOOL_CALL_CEILING;
    case 'loop':
      return ANTHROPIC_LOOP;
    case 'prompt':
      return 1;
    case 'none':
      return TOOL_CALL_CEILING;
  }
}

/** The caller's limit on OpenAI's tools. Azure's models read `azure`, or else `openai`. */
export function requestLimit(providerOptions: unknown): number | undefined {
  const options = fields(providerOptions);
  const openai = count(fields(options?.['openai'])?.['maxToolCalls']);
  const azure = count(fields(options?.['azure'])?.['maxToolCalls']);
  if (openai === undefined) return azure;
  return azure === undefined ? openai : Math.min(openai, azure);
}

/** The most calls of each fee-bearing tool that a request allows. */
export function allowedToolCalls(hosted: readonly HostedTool[], model: string): Record<string, number> | undefined {
  // OpenAI's search models search on every call.
  const searches = /(^|\/)gpt-[\w.-]*search-(preview|api)/.test(model);
  if (hosted.length === 0) return searches ? { web_search_preview: 1 } : undefined;
  const counts: Record<string, number> = searches ? { web_search_preview: 1 } : {};
  for (const { fee, most } of hosted) {
    // One container is billed once, however often code runs in it.
    if (fee !== undefined) counts[fee] = (counts[fee] ?? 0) + (isContainer(fee) ? 1 : most);
  }
  return Object.keys(counts).length > 0 ? counts : undefined;
}

/**
 * How often the provider may read the input: once, and again after each call of a tool that it runs. `undefined` for
 * once.
 */
export function inputRounds(hosted: readonly HostedTool[], options: Fields): number | undefined {
  // Anthropic's MCP connector runs in the same loop.
  const loops =
    list(options['mcpServers']).length > 0 || hosted.some(({ id, limit }) => limit === 'loop' || runsCode(id));
  let request = 0;
  let others = 0;
  for (const { limit, most } of hosted) {
    // OpenAI's limit is one for all of its tools.
    if (limit === 'request') request = most;
    // Google bills the prompt once (ai.google.dev/gemini-api/docs/code-execution, Billing).
    else if (limit !== 'prompt' && limit !== 'loop') others += most;
  }
  const calls = request + (loops ? Math.max(ANTHROPIC_LOOP, others) : others);
  return calls > 0 ? 1 + calls : undefined;
}

/** Anthropic's web tools of 2026 filter what they find by code, which is another round of the loop. */
function runsCode(id: string): boolean {
  return id.startsWith('anthropic.web_') && (/_(\d{8})$/.exec(id)?.[1] ?? '') >= '20260101';
}

function isContainer(fee: string): boolean {
  return fee.startsWith('code_execution');
}

/** Counts the fee-bearing calls among the parts of an answer, streamed or not. */
export class ToolFees {
  readonly #fees = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #containers = new Map<string, Set<string>>();

  constructor(tools: unknown) {
    for (const { name, fee } of hostedTools(tools, undefined, '')) if (fee !== undefined) this.#fees.set(name, fee);
  }

  /** Takes note of one content part. */
  see(part: { readonly type: string }): void {
    if (this.#fees.size === 0 || (part.type !== 'tool-call' && part.type !== 'tool-result')) return;
    const { toolName, input, result } = part as { toolName?: unknown; input?: unknown; result?: unknown };
    const fee = typeof toolName === 'string' ? this.#fees.get(toolName) : undefined;
    if (fee === undefined) return;
    if (isContainer(fee)) {
      if (part.type === 'tool-call') this.#counts.set(fee, this.#container(fee, input));
    } else if (part.type === (fee.startsWith('web_search') ? 'tool-result' : 'tool-call')) {
      // OpenAI bills a search, not the opening of a page or finding text in it.
      const action = fields(fields(result)?.['action']);
      if (action === undefined || action['type'] === 'search') this.#counts.set(fee, (this.#counts.get(fee) ?? 0) + 1);
    }
  }

  /** The containers of this size so far, this call's included. */
  #container(fee: string, input: unknown): number {
    let seen = this.#containers.get(fee);
    if (seen === undefined) this.#containers.set(fee, (seen = new Set()));
    return seen.add(containerOf(input)).size;
  }

  /** The calls so far by fee name. */
  get counts(): Record<string, number> | undefined {
    return this.#counts.size > 0 ? Object.fromEntries(this.#counts) : undefined;
  }
}

function containerOf(input: unknown): string {
  return /"containerId":"([^"]*)"/.exec(typeof input === 'string' ? input : '')?.[1] ?? '';
}
