/**
 * What a request adds to its prompt besides its messages: tool preambles, hidden tool definitions, format instructions,
 * and what it only refers to (an earlier response, a cache, tools that the provider runs), which can't be bounded.
 */
import type { Overhead } from './bound-provider.ts';
import { UNBOUNDABLE_TOKENS } from './bound-provider.ts';

// Tools that the caller runs, but whose definition the provider adds: short of 2,000 tokens each.
const BUILT_IN = /bash|text_editor|str_replace|computer|memory|apply_patch|shell|tool_search|structured/i;
const DEFINED_BY_CALLER: ReadonlySet<string> = new Set(['function', 'custom', 'namespace']);
const GOOGLE_OWN = new Set(['functionDeclarations', 'function_declarations', 'computerUse', 'computer_use']);

/** The tokens that the fields of a request object add, besides their own text. */
export function requestTokens(request: object, overhead: Overhead): number {
  let tokens = 0;
  for (const key in request) {
    const value: unknown = (request as Record<string, unknown>)[key];
    if (value === undefined || value === null) continue;
    switch (key) {
      case 'tools':
      case 'functions':
        if (typeof value === 'object') tokens += toolsTokens(value, overhead);
        break;
      case 'responseFormat':
      case 'response_format':
      case 'output_config':
      case 'output_format':
      case 'outputFormat':
      case 'responseSchema':
      case 'responseJsonSchema':
      case 'text':
        if (typeof value === 'object') tokens += overhead.format;
        break;
      case 'previous_response_id':
      case 'previousResponseId':
      case 'conversation':
      case 'cachedContent':
      case 'cached_content':
      case 'mcp_servers':
      case 'mcpServers':
        tokens += UNBOUNDABLE_TOKENS;
        break;
      case 'prompt':
        // A prompt template stored at OpenAI.
        if (typeof value === 'object' && typeof (value as { id?: unknown }).id === 'string')
          tokens += UNBOUNDABLE_TOKENS;
        break;
      case 'config':
        if (typeof value === 'object') tokens += requestTokens(value, overhead);
        break;
      case 'providerOptions':
        for (const options of Object.values(value) as unknown[]) {
          if (typeof options === 'object' && options !== null) tokens += requestTokens(options, overhead);
        }
        break;
    }
  }
  return tokens;
}

function toolsTokens(tools: object, overhead: Overhead): number {
  const list: unknown[] = Object.values(tools);
  let tokens = list.length > 0 ? overhead.tools : 0;
  for (const tool of list)
    tokens += typeof tool === 'object' && tool !== null ? toolTokens(tool, overhead) : overhead.tool;
  return tokens;
}

function toolTokens(tool: object, overhead: Overhead): number {
  const { type, id, args = tool } = tool as { type?: unknown; id?: unknown; args?: unknown };
  if (typeof type === 'string' && !DEFINED_BY_CALLER.has(type)) {
    const name = typeof id === 'string' ? id : type;
    // JSON Schema's own types: a tool given as a bare schema.
    if (name === 'object') return overhead.tool;
    return BUILT_IN.test(name) && !runsInContainer(args) ? overhead.builtInTool : UNBOUNDABLE_TOKENS;
  }
  if (type === undefined && overhead.family !== 'openai' && overhead.family !== 'anthropic')
    return googleToolTokens(tool, overhead);
  return overhead.tool;
}

// OpenAI's shell runs at the caller, unless its environment is a container.
function runsInContainer(args: unknown): boolean {
  const environment = (args as { environment?: { type?: unknown } | null } | null)?.environment;
  return environment?.type !== undefined && environment.type !== 'local';
}

// Google's tools are objects with one key per kind; what is not a function declaration runs at Google.
function googleToolTokens(tool: object, overhead: Overhead): number {
  const keys = Object.keys(tool);
  if (keys.includes('name') || keys.includes('function')) return overhead.tool;
  let tokens = 0;
  for (const [key, value] of Object.entries(tool)) {
    if (value === undefined || value === null) continue;
    if (!GOOGLE_OWN.has(key)) tokens += GOOGLE_HOSTED.test(key) ? UNBOUNDABLE_TOKENS : overhead.tool;
    else if (Array.isArray(value)) tokens += value.length * overhead.tool;
    else tokens += overhead.builtInTool;
  }
  return tokens;
}

const GOOGLE_HOSTED = /search|retrieval|codeExecution|code_execution|urlContext|url_context|maps|mcp/i;
