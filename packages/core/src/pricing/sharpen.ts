/**
 * The sharp bound: a real tokenizer, off the hot path, for when bytes would refuse a call that fits. English is three to
 * four times over-estimated by its bytes. Where no tokenizer can be had, or none is public, bytes remain.
 */
import { byteBound } from './bound.ts';
import { familyOfModel, overheadOf } from './bound-provider.ts';
import type { Family } from './bound-provider.ts';
import { byteMeter } from './bound-text.ts';
import type { Meter } from './bound-text.ts';
import { walkRequest } from './bound-walk.ts';
import type { Count, Tokenizer } from '../node/tokenizer.ts';

/** How one model's tokens follow from a count by OpenAI's tokenizers. */
interface Rule {
  readonly encoding: 'o200k_base' | 'cl100k_base';
  /** `all` where the encoding is the model's own; `words` where only ASCII words can be compared. */
  readonly mode: 'all' | 'words';
  readonly factor: number;
}

/** Shorter strings cost their bytes: roles, types, ids. */
const SHORTEST_COUNTED = 16;
// Quotes and neighbours inside JSON change how a text is cut at its ends, and providers render schemas their own way.
const JSON_FACTOR = 1.25;
const JSON_EDGES = 4;

const OWN_O200K: Rule = { encoding: 'o200k_base', mode: 'all', factor: 1 };
const OWN_CL100K: Rule = { encoding: 'cl100k_base', mode: 'all', factor: 1 };
// ASCII words only, by the measurement in docs/token-bound.md. Claude's legacy tokenizer: at most 1.69 times o200k's count,
// times 1.35 for the tokenizer of Opus 4.7, and a margin. Mistral's oldest: 1.88. Gemma's: 1.26.
const CLAUDE: Rule = { encoding: 'o200k_base', mode: 'words', factor: 2.5 };
const MISTRAL: Rule = { encoding: 'o200k_base', mode: 'words', factor: 2 };
const GOOGLE: Rule = { encoding: 'o200k_base', mode: 'words', factor: 1.6 };

const RULES: Readonly<Record<Family, Rule | undefined>> = {
  anthropic: CLAUDE,
  google: GOOGLE,
  mistral: MISTRAL,
  // By the model's name, below.
  openai: undefined,
  other: undefined,
};

const CL100K_MODELS = /^(?:gpt-4(?:-.*)?|gpt-3\.5.*|gpt-35.*|text-embedding-.*|davinci-002|babbage-002)$/;
const O200K_MODELS =
  /^(?:gpt-4o|chatgpt-4o|gpt-4\.[15]|gpt-5|gpt-oss|gpt-audio|gpt-realtime|o[134](?:-|$)|codex-mini|computer-use)/;

/** The rule for a model; `undefined` where only bytes are known to hold. */
function ruleOf(family: Family, model: string): Rule | undefined {
  const rule = RULES[family === 'other' ? familyOfModel(model) : family];
  if (rule) return rule;
  const name = model.replace(/^(?:openai\/|ft:)+/, '').replace(/:.*$/, '');
  if (O200K_MODELS.test(name)) return OWN_O200K;
  return CL100K_MODELS.test(name) ? OWN_CL100K : undefined;
}

interface Counted {
  /** What is counted: the text, or its longest JSON form. */
  readonly text: string;
  /** Its bound by bytes. */
  readonly bytes: number;
  readonly inJson: boolean;
}

/** A meter that sets texts aside to be counted, and measures the rest by its bytes. */
function settingAside(bytes: Meter, texts: Counted[]): Meter {
  const aside = (text: string, cost: number, inJson: boolean): number => {
    if (text.length < SHORTEST_COUNTED) return cost;
    texts.push({ text, bytes: cost, inJson });
    return 0;
  };
  return {
    ...bytes,
    text: (value) => aside(value, bytes.text(value), false),
    json: (value) => aside(asciiJson(value), bytes.json(value), true),
  };
}

/** A text as a JSON string with nothing but ASCII in it, the longest form that a provider could write. */
function asciiJson(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function costOf(text: Counted, count: Count, factor: number): number {
  const tokens = count.tokens * factor * (text.inJson ? JSON_FACTOR : 1) + (text.inJson ? JSON_EDGES : 0);
  return Math.min(text.bytes, text.bytes - count.counted + Math.ceil(tokens));
}

/**
 * An upper bound of a request's input tokens by a real tokenizer, for one model. Never above `byteBound`. Takes
 * milliseconds, in a worker; answers `byteBound` where there is no Node, no `gpt-tokenizer`, or no answer in time. Never rejects for want of a tokenizer.
 *
 * @param input as in `lengthBound`
 * @param tokenizer the default is one worker for the process
 * @example await sharpBound([{ role: 'user', content: essay }], 'openai', 'gpt-4o')
 */
export async function sharpBound(
  input: unknown,
  provider: string,
  model: string,
  tokenizer?: Pick<Tokenizer, 'count'>,
): Promise<number> {
  const upper = byteBound(input, provider, model);
  const overhead = overheadOf(provider, model);
  const bytes = byteMeter(overhead.normalization);
  const texts: Counted[] = [];
  let rest = walkRequest(input, { meter: settingAside(bytes, texts), overhead, model });
  const rule = texts.length > 0 ? ruleOf(overhead.family, model) : undefined;
  const counter = rule && (tokenizer ?? (await processTokenizer()));
  const counts =
    rule &&
    (await counter?.count(
      texts.map(({ text }) => text),
      rule.encoding,
      rule.mode,
    ));
  for (const [index, text] of texts.entries()) {
    const count = counts?.[index];
    rest += count && rule ? costOf(text, count, rule.factor) : text.bytes;
  }
  return Math.min(upper, rest);
}

/** Whether a count of this process has found that `gpt-tokenizer` is not installed. */
export function lacksTokenizer(): boolean {
  return started?.isMissing ?? false;
}

let started: Tokenizer | undefined;
let shared: Promise<Tokenizer | undefined> | undefined;

/** The worker of this process; `undefined` where there is no Node. Loaded with the first count, never before. */
function processTokenizer(): Promise<Tokenizer | undefined> {
  shared ??= startTokenizer();
  return shared;
}

async function startTokenizer(): Promise<Tokenizer | undefined> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if (process?.versions?.node === undefined) return undefined;
  try {
    const { createTokenizer } = await import('../node/tokenizer.ts');
    started = createTokenizer();
    return started;
  } catch {
    return undefined;
  }
}
