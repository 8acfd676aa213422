/**
 * What providers add to a prompt that nobody wrote: turn markers, tool preambles, format instructions. Every figure is
 * at least the largest one published or measured for the provider, because the bound does not know the model.
 */

import type { Normalization } from './bound-text.ts';

/** Tokens of a part whose size can't be known. Larger than any context window; the caller caps the bound at the model's. */
export const UNBOUNDABLE_TOKENS = 100_000_000;

/** A family of tokenizers and prompt formats. `other` takes the highest figure of all. */
export type Family = 'openai' | 'anthropic' | 'google' | 'mistral' | 'other';

/** The figures of one family, in tokens. */
export interface Overhead {
  readonly family: Family;
  /** What the tokenizer may do to the text before it counts. */
  readonly normalization: Normalization;
  /** Once per request: start and end of the prompt, the model's turn. */
  readonly request: number;
  /** Per message and per content part: role, separators. */
  readonly message: number;
  /** Once per request that has tools: the preamble that teaches the model to call them. */
  readonly tools: number;
  /** Per tool definition, besides its JSON. */
  readonly tool: number;
  /** Per tool that the provider has trained into the model (bash, computer, text editor): its hidden definition. */
  readonly builtInTool: number;
  /** Once per request with a structured output format, besides the schema's JSON. */
  readonly format: number;
}

// Chat messages cost 3 or 4 tokens each and 3 for the reply (OpenAI cookbook, "How to count tokens"); functions open a
// namespace of about 30 tokens and take about 12 each besides their text.
const openai: Overhead = {
  family: 'openai',
  normalization: 'none',
  request: 32,
  message: 8,
  tools: 128,
  tool: 32,
  builtInTool: 2_000,
  format: 256,
};

// platform.claude.com, "Tool use" and "Pricing": the system prompt for tools is published at 159 to 530 tokens; bash adds
// 245, the text editor 700, computer use 735 and up to 499 for its own prompt. Twice that leaves room for newer models.
const anthropic: Overhead = {
  family: 'anthropic',
  normalization: 'nfkc',
  request: 32,
  message: 8,
  tools: 1_024,
  tool: 64,
  builtInTool: 2_000,
  format: 1_024,
};

const google: Overhead = { ...openai, family: 'google', request: 32, tools: 256, tool: 32, format: 256 };

// BOS, [INST], [/INST], [AVAILABLE_TOOLS], [TOOL_RESULTS] and their ends are one token each (mistral-common).
const mistral: Overhead = { ...openai, family: 'mistral' };

const other: Overhead = { ...anthropic, family: 'other', normalization: 'any', request: 64, message: 12 };

const FAMILIES: ReadonlyMap<string, Overhead> = new Map([
  ['openai', openai],
  ['azure', openai],
  ['azure-openai', openai],
  ['anthropic', anthropic],
  ['google', google],
  ['gemini', google],
  ['google-vertex', google],
  ['vertex', google],
  ['mistral', mistral],
  ['mistralai', mistral],
]);

// At the start of a name or behind a vendor's prefix; further inside it may be another model's suffix.
const CLAUDE = /(?:^|[/.])claude/i;
const GEMINI = /(?:^|[/.])gemini/i;
const EITHER = /claude|gemini/i;

/**
 * The figures for a model, since clouds, routers and OpenAI-compatible endpoints serve other vendors' models too; where
 * the model is not known or its name tells nothing, those for the provider. What can't be told gets `other`.
 *
 * @param provider as adapters name it: `openai`, also `openai.chat`
 */
export function overheadOf(provider: string, model?: string): Overhead {
  const own = overheadOfProvider(provider);
  if (model === undefined) return own;
  if (CLAUDE.test(model)) return anthropic;
  if (GEMINI.test(model)) return google;
  // Vertex serves Mistral's and Meta's models under bare names.
  if (own.family === 'google' || EITHER.test(model)) return other;
  const slash = model.indexOf('/');
  if (slash < 0) return own;
  return FAMILIES.get(model.slice(0, slash).toLowerCase())?.family === own.family ? own : other;
}

/** The largest of the published figures (Claude 3 Opus); Claude 4 to 4.5: 346. */
const CLAUDE_TOOLS_BEFORE_4_7 = 530;

/** The figures for a model, narrowed to what is published for it. */
export function narrowOverheadOf(provider: string, model: string): Overhead {
  const overhead = overheadOf(provider, model);
  if (overhead.family !== 'anthropic' || !isBeforeClaude47(model)) return overhead;
  return { ...overhead, tools: CLAUDE_TOOLS_BEFORE_4_7 };
}

/** Whether a Claude model is older than 4.7, the first with large images and the newer tokenizer. */
export function isBeforeClaude47(model: string): boolean {
  if (/claude-(?:instant|[23])/.test(model)) return true;
  const version = /claude-(?:opus|sonnet|haiku)-4(?:[-.]([0-9]))?(?![0-9])/.exec(model);
  return version !== null && Number(version[1] ?? 0) < 7;
}

function overheadOfProvider(provider: string): Overhead {
  const known = FAMILIES.get(provider);
  if (known) return known;
  const dot = provider.search(/[./:]/);
  const head = dot > 0 ? FAMILIES.get(provider.slice(0, dot)) : undefined;
  // google.vertex.anthropic and the like: a later word names whose model it is.
  if (head === undefined || /anthropic|claude/i.test(provider))
    return /anthropic|claude/i.test(provider) ? anthropic : other;
  return head;
}

/** Whose model it is that a router or cloud serves, by the model's name: `us.anthropic.claude-…`, `google/gemini-…`. */
export function familyOfModel(model: string): Family {
  if (CLAUDE.test(model)) return 'anthropic';
  if (GEMINI.test(model)) return 'google';
  return /^openai\//i.test(model) ? 'openai' : 'other';
}
