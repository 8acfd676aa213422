/**
 * Tools of an AI SDK call that the provider runs itself, and what their calls are billed. What each kind costs and how
 * often it may run is the engine's knowledge.
 */
import { hostedTool, isContainer, isHostedTool, type HostedTool, type ProviderTool } from '@agentkavach/core/providers';
import { count, fields, list, text, type Fields } from './shape.ts';

const NONE: readonly HostedTool[] = [];

/** The tools of a request that the provider runs. */
export function hostedTools(tools: unknown, providerOptions: unknown, model: string): readonly HostedTool[] {
  let hosted: HostedTool[] | undefined;
  // A plain loop: this runs before every call, and most calls have none.
  for (const entry of list(tools)) {
    const tool = providerTool(entry as Fields | null);
    if (tool === undefined || !isHostedTool(tool)) continue;
    hosted ??= [];
    hosted.push(hostedTool(tool, model, requestLimit(providerOptions)));
  }
  return hosted ?? NONE;
}

/** A tool that is the provider's own. V2 models call them provider-defined. */
function providerTool(tool: Fields | null): ProviderTool | undefined {
  if (tool?.['type'] !== 'provider' && tool?.['type'] !== 'provider-defined') return undefined;
  return { id: text(tool['id']) ?? '', name: text(tool['name']), args: fields(tool['args']) };
}

/** The caller's limit on OpenAI's tools. Azure's models read `azure`, or else `openai`. */
export function requestLimit(providerOptions: unknown): number | undefined {
  const options = fields(providerOptions);
  const openai = count(fields(options?.['openai'])?.['maxToolCalls']);
  const azure = count(fields(options?.['azure'])?.['maxToolCalls']);
  if (openai === undefined) return azure;
  return azure === undefined ? openai : Math.min(openai, azure);
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
