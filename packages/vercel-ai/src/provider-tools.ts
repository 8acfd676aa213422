/**
 * Tools that the provider runs itself and bills by the call: how many a request allows, and how many an answer used.
 * Names are the catalog's fee names.
 */
import { ConfigError } from '@agentkavach/core';
import { count, fields, list, text, type Fields } from './shape.ts';

/** The most calls of one tool that are reserved where the request sets no limit. */
const TOOL_CALL_CEILING = 10;

const FEES: Readonly<Record<string, string>> = {
  web_search: 'web_search',
  web_search_premium: 'web_search',
  web_search_preview: 'web_search_preview',
  file_search: 'file_search',
  code_execution: 'code_execution',
  code_interpreter: 'code_execution',
  google_search: 'google_search',
  enterprise_web_search: 'google_search',
  google_maps: 'google_maps',
  image_generation: 'image_generation',
  x_search: 'web_search',
};

/** Provider tools without a fee, or that the caller runs: they cost tokens only. */
const WITHOUT_FEE =
  /^(mcp|tool_search|web_fetch|url_context|programmatic_tool_calling|bash|computer|text_editor|memory|local_shell|shell|apply_patch|custom|advisor|vertex_rag_store|agent_engine)/;

/** One provider tool of a request. */
interface ProviderTool {
  readonly name: string;
  readonly fee: string;
  /** The most calls that the request allows. */
  readonly most: number;
}

function providerTools(tools: unknown, options: Fields): ProviderTool[] {
  return list(tools).flatMap((entry): ProviderTool[] => {
    const tool = fields(entry);
    // V2 models call them provider-defined.
    if (tool?.['type'] !== 'provider' && tool?.['type'] !== 'provider-defined') return [];
    const id = kindOf(tool);
    if (WITHOUT_FEE.test(id)) return [];
    // A tool that we have not heard of keeps its own name, which the catalog charges at the provider's dearest fee.
    const fee = Object.hasOwn(FEES, id) ? (FEES[id] ?? id) : id;
    const args = fields(tool['args']);
    const limit = count(args?.['maxUses']) ?? count(args?.['max_uses']) ?? count(options['maxToolCalls']);
    return [{ name: text(tool['name']) ?? id, fee, most: fee === 'code_execution' ? 1 : (limit ?? TOOL_CALL_CEILING) }];
  });
}

/** `anthropic.web_search_20250305` → `web_search`. */
function kindOf(tool: Fields): string {
  const id = text(tool['id']) ?? '';
  return id.slice(id.indexOf('.') + 1).replace(/_\d{8}$/, '');
}

/** The most calls of each fee-bearing tool that a request allows. */
export function allowedToolCalls(tools: unknown, options: Fields, model: string): Record<string, number> | undefined {
  const counts: Record<string, number> = {};
  for (const tool of providerTools(tools, options)) counts[tool.fee] = (counts[tool.fee] ?? 0) + tool.most;
  // OpenAI's search models search on every call.
  if (/(^|\/)gpt-[\w.-]*search-(preview|api)/.test(model)) counts['web_search_preview'] = 1;
  return Object.keys(counts).length > 0 ? counts : undefined;
}

/** Counts the fee-bearing calls among the parts of an answer, streamed or not. */
export class ToolFees {
  readonly #tools: ReadonlyMap<string, ProviderTool>;
  readonly #counts = new Map<string, number>();
  readonly #containers = new Set<string>();

  constructor(tools: unknown, options: Fields) {
    this.#tools = new Map(providerTools(tools, options).map((tool) => [tool.name, tool]));
  }

  /** Takes note of one content part. */
  see(part: { readonly type: string }): void {
    if (this.#tools.size === 0 || (part.type !== 'tool-call' && part.type !== 'tool-result')) return;
    const { toolName, input, result } = part as { toolName?: unknown; input?: unknown; result?: unknown };
    const tool = typeof toolName === 'string' ? this.#tools.get(toolName) : undefined;
    if (tool === undefined) return;
    if (tool.fee === 'code_execution') {
      // One container is billed once, however often code runs in it.
      if (part.type === 'tool-call') this.#containers.add(containerOf(input));
      this.#counts.set(tool.fee, this.#containers.size);
    } else if (part.type === (tool.fee.startsWith('web_search') ? 'tool-result' : 'tool-call')) {
      // OpenAI bills a search, not the opening of a page or finding text in it.
      const action = fields(fields(result)?.['action']);
      if (action === undefined || action['type'] === 'search')
        this.#counts.set(tool.fee, (this.#counts.get(tool.fee) ?? 0) + 1);
    }
  }

  /** The calls so far by fee name. */
  get counts(): Record<string, number> | undefined {
    return this.#counts.size > 0 ? Object.fromEntries(this.#counts) : undefined;
  }
}

function containerOf(input: unknown): string {
  return /"containerId":"([^"]*)"/.exec(typeof input === 'string' ? input : '')?.[1] ?? '';
}

/**
 * What is billed beside the call and reported nowhere, or at a price that nobody can know before: its worst case can't
 * be held, so a hard limit must refuse it.
 *
 * @returns an error that names the option and what to do instead; `undefined` where everything can be priced
 */
export function unpriceable(tools: unknown, providerOptions: unknown): ConfigError | undefined {
  for (const entry of list(tools)) {
    const tool = fields(entry);
    if (tool === undefined || tool['type'] === 'function') continue;
    const id = kindOf(tool);
    if (id === 'image_generation' && text(tool['id'])?.startsWith('openai.') === true) {
      return refusal(
        'tools',
        'the image_generation tool is billed at an image model’s price, which the answer does not report. Generate images with generateImage() and kavachImage()',
      );
    }
    if (id === 'advisor') {
      return refusal(
        'tools',
        'the advisor tool asks another model at that model’s price, without a cap. Give the agent a guarded model as an ordinary tool',
      );
    }
  }
  if (list(fields(fields(providerOptions)?.['gateway'])?.['models']).length === 0) return undefined;
  return refusal(
    'providerOptions.gateway.models',
    'a fallback model may cost more than the one asked. Catch the error and ask the other guarded model yourself',
  );
}

function refusal(path: string, reason: string): ConfigError {
  return new ConfigError(`A hard limit can't hold the worst case of this call: ${reason}, or set mode: 'soft'.`, {
    path,
  });
}
