/**
 * The worker in which a real tokenizer counts. It stands alone: Node runs it from its TypeScript source in tests, and
 * from one file in the built package. `gpt-tokenizer` is an optional peer dependency; without it every job fails.
 */
import { parentPort, workerData } from 'node:worker_threads';

/** How one model's tokens follow from a count by OpenAI's tokenizers. */
export interface CountRule {
  readonly encoding: 'o200k_base' | 'cl100k_base';
  /** `all` where the encoding is the model's own; `words` where only ASCII words can be compared. */
  readonly mode: 'all' | 'words';
  /** What a token of this encoding makes in the model's own, in many words together. */
  readonly factor: number;
}

/** One job: texts to count. */
export interface CountJob {
  readonly id: number;
  readonly rule: CountRule;
  readonly texts: readonly string[];
}

/** What was counted in one text. */
export interface Count {
  /** An upper bound of the tokens of what was counted, by the rule's factor; exact where everything is. */
  readonly tokens: number;
  /** How many UTF-8 bytes of the text were counted; the rest costs its bytes, which are never fewer than its tokens. */
  readonly counted: number;
}

/** The answer to a job: a count for each text, or why there is none. */
export type CountAnswer =
  | { readonly id: number; readonly counts: readonly Count[] }
  | { readonly id: number; readonly failed: 'not-installed' | 'error' };

// Given to the worker by tokenizer.ts, so that it knows itself.
const WORKER_DATA = 'agentkavach.tokenizer';

interface Encoding {
  countTokens(text: string, options: { disallowedSpecial: Set<string> }): number;
  encode(text: string, options: { disallowedSpecial: Set<string> }): number[];
}

// How tiktoken cuts a text before it merges bytes; no token reaches over a cut, so that counts of the pieces add up to
// the count of the whole (openai/tiktoken, tiktoken_ext/openai_public.py).
export const CUTS = {
  o200k_base:
    /[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?:'(?:[sdmtSDMT]|[lL][lL]|[vV][eE]|[rR][eE]))?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?:'(?:[sdmtSDMT]|[lL][lL]|[vV][eE]|[rR][eE]))?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu,
  cl100k_base:
    /'(?:[sdmtSDMT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]|\s+(?!\S)|\s/gu,
} as const;

/** Merging takes the square of a piece's length: 34,000 Chinese characters without a cut take 5 to 11 seconds. */
const LONGEST_PIECE = 512;
const ASCII_WORD = /^[ -~]?[A-Za-z]{1,32}(?:'[A-Za-z]{1,2})?$/;
/** A word that makes up more of the words than this is not compared: what holds on average need not hold for one word. */
const LARGEST_SHARE = 0.01;
// Special tokens written in a prompt are text: that is how providers treat them.
const OPTIONS = { disallowedSpecial: new Set<string>() };

/**
 * Words that are common everywhere, by their place in o200k's vocabulary, which is learnt in the order of frequency: one or
 * two tokens in every public tokenizer. What is charged holds for each of them by itself.
 */
const COMMON = [
  { below: 2_000, isSpaced: true, tokens: 2 },
  { below: 5_000, isSpaced: false, tokens: 3 },
] as const;

/**
 * Counts each text but for some pieces: in `all`, those without a cut for too long; in `words`, all but ASCII words that are
 * common, or that are not repeated too often.
 */
export function countTexts(
  texts: readonly string[],
  encoding: Encoding,
  { encoding: name, mode, factor }: CountRule,
): Count[] {
  const cuts = CUTS[name];
  if (mode === 'all') return texts.map((text) => countPieces(text, encoding, cuts));
  const words = new Map<string, number>();
  let total = 0;
  for (const text of texts) {
    for (const [piece] of text.matchAll(cuts)) {
      if (!ASCII_WORD.test(piece)) continue;
      words.set(piece, (words.get(piece) ?? 0) + 1);
      total += 1;
    }
  }
  const most = total * LARGEST_SHARE;
  const tokens = new Map<string, number>();
  for (const [word, times] of words) {
    const average = times <= most ? encoding.countTokens(word, OPTIONS) * factor : Infinity;
    tokens.set(word, Math.min(word.length, average, commonTokens(word, encoding)));
  }
  return texts.map((text) => countWords(text, cuts, tokens));
}

/** What a common word costs at most. A sign before it costs its byte; a contraction is none, since Gemma makes three of it. */
function commonTokens(word: string, encoding: Encoding): number {
  if (/^[^ A-Za-z]/.test(word)) return 1 + commonTokens(word.slice(1), encoding);
  if (word.includes("'")) return Infinity;
  const [id = Infinity, ...more] = encoding.encode(word, OPTIONS);
  if (more.length > 0) return Infinity;
  const isSpaced = word.startsWith(' ');
  return COMMON.find(({ below, isSpaced: only }) => id < below && (isSpaced || !only))?.tokens ?? Infinity;
}

function countPieces(text: string, encoding: Encoding, cuts: RegExp): Count {
  let tokens = 0;
  let counted = Buffer.byteLength(text);
  // Between long pieces the text is counted in one go.
  let start = 0;
  for (const { 0: piece, index } of text.matchAll(cuts)) {
    if (piece.length <= LONGEST_PIECE) continue;
    tokens += encoding.countTokens(text.slice(start, index), OPTIONS);
    counted -= Buffer.byteLength(piece);
    start = index + piece.length;
  }
  return { tokens: tokens + encoding.countTokens(text.slice(start), OPTIONS), counted };
}

function countWords(text: string, cuts: RegExp, words: ReadonlyMap<string, number>): Count {
  let tokens = 0;
  let counted = 0;
  for (const [piece] of text.matchAll(cuts)) {
    const count = words.get(piece);
    if (count === undefined) continue;
    tokens += count;
    counted += piece.length;
  }
  return { tokens, counted };
}

const loaded = new Map<CountRule['encoding'], Promise<Encoding>>();

function load(name: CountRule['encoding']): Promise<Encoding> {
  let encoding = loaded.get(name);
  if (!encoding) {
    encoding =
      name === 'o200k_base'
        ? import('gpt-tokenizer/encoding/o200k_base')
        : import('gpt-tokenizer/encoding/cl100k_base');
    loaded.set(name, encoding);
  }
  return encoding;
}

async function answer(job: CountJob): Promise<CountAnswer> {
  let encoding: Encoding;
  try {
    encoding = await load(job.rule.encoding);
  } catch {
    return { id: job.id, failed: 'not-installed' };
  }
  try {
    return { id: job.id, counts: countTexts(job.texts, encoding, job.rule) };
  } catch {
    return { id: job.id, failed: 'error' };
  }
}

// A test runner's own worker imports this file too, and must not have its messages answered.
if (workerData === WORKER_DATA) {
  parentPort?.on('message', (job: CountJob) => {
    void answer(job).then((result) => parentPort?.postMessage(result));
  });
}
