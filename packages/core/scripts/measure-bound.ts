/**
 * How far the token bound lies above the real count of small agent prompts: `npx tsx packages/core/scripts/measure-bound.ts`. The counts are
 * the tokens of the pieces that a model reads, and a figure for the marks between them; exact for OpenAI's tokenizer, and
 * Claude's legacy tokenizer × 1.35 for Claude. Other tokenizers are not public as packages that this workspace has.
 */
import { getTokenizer } from '@anthropic-ai/tokenizer';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { byteBound, lengthBound } from '../src/pricing/bound.ts';
import { sharpBound } from '../src/pricing/sharpen.ts';
import { chat, contents, messages, sdk, SIZES, type Prompt } from './agent-prompts.ts';

const claude = getTokenizer();
const openaiCount = (piece: string): number => countTokens(piece);
// The preamble for tools of the current models: platform.claude.com, "Tool use".
const claudeCount = (piece: string): number => 1.35 * claude.encode(piece.normalize('NFKC'), [], []).length;

/** Adds up what a prompt really has. */
function real({ pieces, marks }: Prompt, count: (piece: string) => number, preamble: number): number {
  return Math.ceil(pieces.reduce((sum, piece) => sum + count(piece), marks + preamble));
}

type Make = (count: number, tools: (typeof SIZES)[number][2]) => Prompt;
const SUBJECTS: readonly (readonly [string, string, string, Make, ((prompt: Prompt) => number) | undefined])[] = [
  ['OpenAI client', 'openai', 'gpt-4o', (...to) => chat('gpt-4o', ...to), (prompt) => real(prompt, openaiCount, 12)],
  ['AI SDK, OpenAI', 'openai', 'gpt-5', sdk, (prompt) => real(prompt, openaiCount, 12)],
  [
    'Anthropic client',
    'anthropic',
    'claude-opus-4-8',
    (...to) => messages('claude-opus-4-8', ...to),
    (prompt) => real(prompt, claudeCount, 346),
  ],
  ['Google client', 'google', 'gemini-2.5-pro', contents, undefined],
  ['Mistral client', 'mistral', 'mistral-large-latest', (...to) => chat('mistral-large-latest', ...to), undefined],
];

/** What a step adds to the step before: a call, and its result. */
function added({ body }: Prompt): Record<string, unknown> {
  const list = ['messages', 'prompt', 'contents'].find((name) => Array.isArray(body[name])) ?? '';
  return { [list]: (body[list] as readonly unknown[]).slice(-2) };
}

console.log('| way in | prompt | lengthBound | byteBound | sharpBound | billed before + new | counted |');
console.log('|---|---|---:|---:|---:|---:|---:|');
for (const [way, provider, model, make, count] of SUBJECTS) {
  for (const [name, steps, tools] of SIZES) {
    const prompt = make(steps, tools);
    const length = lengthBound(prompt.body, provider, model);
    const bytes = byteBound(prompt.body, provider, model);
    const sharp = await sharpBound(prompt.body, provider, model);
    const before = count?.(make(steps - 1, tools));
    const gone = before === undefined ? '' : before + (await sharpBound(added(prompt), provider, model));
    console.log(`| ${way} | ${name} | ${length} | ${bytes} | ${sharp} | ${gone} | ${count?.(prompt) ?? ''} |`);
  }
}
claude.free();
