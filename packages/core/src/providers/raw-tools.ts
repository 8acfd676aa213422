/** The tools of a raw request body, in the shape that hosted-tools.ts reads. */
import { hostedTool, isHostedTool, reasonAgainst, type HostedTool, type ProviderTool } from './hosted-tools.ts';
import { whole } from './body-fields.ts';
import type { Refusal } from './draft.ts';
import { fields, list, text, type Fields } from './usage-fields.ts';

const NONE: readonly HostedTool[] = [];
const NO_TOOLS: readonly unknown[] = [];

/** OpenAI's tools that the caller defines. */
const DEFINED = new Set<unknown>(['function', 'custom', 'namespace']);

/** Gemini's entries that declare tools which the caller runs. */
const CALLER_RUN = new Set(['functionDeclarations', 'function_declarations', 'computerUse', 'computer_use']);

/** The hosted tools of a Responses body, or of a chat's at the hosts that have some there. Only OpenAI limits their calls. */
export function openaiTools(body: Fields, model: string, provider: string): readonly HostedTool[] {
  const vendor = provider === 'azure' ? 'openai' : provider;
  const own = list(body['tools']);
  const carried = carriedTools(body);
  return hosted(carried === NO_TOOLS ? own : [...own, ...carried], model, whole(body['max_tool_calls']), (tool) => {
    const type = text(tool['type']) ?? 'function';
    if (DEFINED.has(type)) return [];
    const { container, environment, execution } = tool;
    return [
      {
        // `web_search_preview_2025_03_11` is the same tool.
        id: `${vendor}.${type.replace(/_\d{4}_\d{2}_\d{2}$/, '')}`,
        args: { container: settings(container), environment: settings(environment), execution },
      },
    ];
  });
}

/** Tools that stand in the conversation: those that a search for tools has found, or that the caller adds on the way. */
function carriedTools({ input }: Fields): readonly unknown[] {
  let found: unknown[] | undefined;
  // A plain loop: this runs before every call, and most calls have none.
  for (const item of list(input)) {
    const tools = (item as Fields | null)?.['tools'];
    if (Array.isArray(tools)) (found ??= []).push(...(tools as unknown[]));
  }
  return found ?? NO_TOOLS;
}

/** Whether the conversation of a Responses body holds tools. */
export function carriesTools(body: Fields): boolean {
  return carriedTools(body).length > 0;
}

/** A container's settings in camel case. */
function settings(value: unknown): unknown {
  const container = fields(value);
  if (container === undefined) return value;
  const { type, memory_limit } = container;
  return { type: type === 'container_reference' ? 'containerReference' : type, memoryLimit: memory_limit };
}

/** The hosted tools of a Messages body. */
export function anthropicTools(body: Fields, model: string): readonly HostedTool[] {
  return hosted(list(body['tools']), model, undefined, (tool) => {
    const type = text(tool['type']);
    if (type === undefined || type === 'custom') return [];
    return [{ id: `anthropic.${type}`, name: text(tool['name']), args: { maxUses: whole(tool['max_uses']) } }];
  });
}

/** The hosted tools of a generateContent body: one for each key of an entry. */
export function googleTools(body: Fields, model: string): readonly HostedTool[] {
  return hosted(list(body['tools']), model, undefined, (tool) =>
    Object.keys(tool)
      .filter((key) => !CALLER_RUN.has(key) && tool[key] !== undefined && tool[key] !== null)
      .map((key) => ({ id: `google.${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}` })),
  );
}

function hosted(
  tools: readonly unknown[],
  model: string,
  requestLimit: number | undefined,
  read: (tool: Fields) => readonly ProviderTool[],
): readonly HostedTool[] {
  let found: HostedTool[] | undefined;
  // A plain loop: this runs before every call, and most calls have none.
  for (const entry of tools) {
    const tool = fields(entry);
    if (tool === undefined) continue;
    for (const known of read(tool)) {
      if (!isHostedTool(known)) continue;
      found ??= [];
      found.push(hostedTool(known, model, requestLimit));
    }
  }
  return found ?? NONE;
}

/** The first tool that a hard limit can't hold. */
export function refusedTool(tools: readonly HostedTool[]): Refusal | undefined {
  for (const tool of tools) {
    const reason = reasonAgainst(tool);
    if (reason !== undefined) return { path: 'tools', reason };
  }
  return undefined;
}
