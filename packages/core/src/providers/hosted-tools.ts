/**
 * Tools that a provider runs itself: which they are, how often a request lets it, what each call costs, and how often the
 * input is read for it. Names of fees are the price catalog's.
 */
import { count, fields, text, type Fields } from './usage-fields.ts';

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
  google_search_retrieval: 'google_search',
  enterprise_web_search: 'google_search',
  google_maps: 'google_maps',
  image_generation: 'image_generation',
  x_search: 'web_search',
};

/** Hosted tools without a fee: they cost tokens only. */
const WITHOUT_FEE =
  /^(mcp|tool_search|web_fetch|url_context|programmatic_tool_calling|advisor|vertex_rag_store|retrieval|agent_engine)/;

/** Provider tools that the caller runs: each call comes back as an answer of its own. */
const CALLER_RUN = /^(bash|computer|text_editor|memory|local_shell|apply_patch|custom)/;

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

/** A provider's tool as a request names it. */
export interface ProviderTool {
  /** `anthropic.web_search_20250305`, `openai.code_interpreter`, `google.google_search`. */
  readonly id: string;
  readonly name?: string | undefined;
  /** Its settings, in camel case: `maxUses`, `container`, `environment`, `execution`. */
  readonly args?: Fields | undefined;
}

/** One hosted tool of a request. */
export interface HostedTool {
  readonly name: string;
  readonly id: string;
  /** `undefined` for tools that cost tokens only. */
  readonly fee: string | undefined;
  readonly limit: CallLimit;
  /** The most calls that the request allows. */
  readonly most: number;
}

/** Whether the provider runs the tool, as often as it likes, inside one request. */
export function isHostedTool({ id, args }: ProviderTool): boolean {
  const kind = kindOf(id);
  if (kind === 'shell') return isHostedShell(args);
  if (kind === 'tool_search') return args?.['execution'] !== 'client';
  return !CALLER_RUN.test(kind);
}

/** OpenAI's shell runs in a container of OpenAI's, unless the caller's own is named. */
function isHostedShell(args: Fields | undefined): boolean {
  const environment = text(fields(args?.['environment'])?.['type']);
  return environment !== undefined && environment !== 'local';
}

/**
 * What a hosted tool may cost.
 *
 * @param model the model that is asked: Gemini's generations bill their searches differently
 * @param requestLimit the request's own limit on all of OpenAI's tools together (`max_tool_calls`)
 */
export function hostedTool(tool: ProviderTool, model: string, requestLimit: number | undefined): HostedTool {
  const { id, args } = tool;
  const kind = kindOf(id);
  const limit = limitOf(id, kind, model);
  return { name: tool.name ?? kind, id, fee: feeOf(kind, args), limit, most: mostCalls(limit, args, requestLimit) };
}

/** `anthropic.web_search_20250305` → `web_search`. */
function kindOf(id: string): string {
  return id.slice(id.indexOf('.') + 1).replace(/_\d{8}$/, '');
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
  switch (id.slice(0, Math.max(0, id.indexOf('.')))) {
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

/** Whether Google bills each search query, and not the prompt. A tool that we have not heard of may do so too. */
function billsQueries(kind: string, model: string): boolean {
  if (FEES[kind] === 'google_search') return searchesByQuery(model);
  return !WITHOUT_FEE.test(kind) && !Object.hasOwn(FEES, kind);
}

/** Whether a Gemini model bills each search query: Gemini 3 and later (ai.google.dev/gemini-api/docs/pricing). */
export function searchesByQuery(model: string): boolean {
  return !/gemini-(1|2)(\.|-)/.test(model);
}

function mostCalls(limit: CallLimit, args: Fields | undefined, requestLimit: number | undefined): number {
  switch (limit) {
    case 'request':
      return requestLimit ?? TOOL_CALL_CEILING;
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
 *
 * @param hasMcpServers whether Anthropic's MCP connector is used, which runs in the same loop
 */
export function inputRounds(hosted: readonly HostedTool[], hasMcpServers: boolean): number | undefined {
  const loops = hasMcpServers || hosted.some(({ id, limit }) => limit === 'loop' || runsCode(id));
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

/** Whether a fee is one for a container. */
export function isContainer(fee: string): boolean {
  return fee.startsWith('code_execution');
}

/** Why a hard limit can't hold a search that is billed by the query. */
export const QUERIES =
  'this Gemini model bills each query of a Google search, and has no option to limit them. Ask a Gemini 2.5 model, which bills the prompt, or give the agent an ordinary search tool';

/**
 * Why a hard limit can't hold a tool; `undefined` where it can.
 *
 * @param insteadOfImages what to do instead of the image generation tool: half a sentence
 */
export function reasonAgainst(
  { id, limit, fee }: HostedTool,
  insteadOfImages = 'Generate images with the images endpoint',
): string | undefined {
  if (id === 'openai.image_generation' || id === 'azure.image_generation')
    return `the image_generation tool is billed at an image model’s price, which the answer does not report. ${insteadOfImages}`;
  if (id.startsWith('anthropic.advisor'))
    return 'the advisor tool asks another model at that model’s price, without a cap. Give the agent a guarded model as an ordinary tool';
  if (limit !== 'none') return undefined;
  if (fee === 'google_search') return QUERIES;
  return `the provider runs ${id} as often as it likes, and has no option to limit it. Give the agent an ordinary tool that does the same`;
}
