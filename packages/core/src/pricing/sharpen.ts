/**
 * The sharp bound: a real tokenizer, off the hot path, for when bytes would refuse a call that fits. English is three to
 * four times over-estimated by its bytes. Where no tokenizer can be had, or none is public, bytes remain.
 */
import { byteBound } from './bound.ts';
import { familyOfModel, narrowOverheadOf } from './bound-provider.ts';
import type { Family } from './bound-provider.ts';
import { byteMeter } from './bound-text.ts';
import { walkRequest, type WalkOptions } from './bound-walk.ts';
import { costOf, settingAside, type Aside } from './sharp-texts.ts';
import type { CountRule, Tokenizer } from '../node/tokenizer.ts';

const OWN_O200K: CountRule = { encoding: 'o200k_base', mode: 'all', factor: 1 };
const OWN_CL100K: CountRule = { encoding: 'cl100k_base', mode: 'all', factor: 1 };
// ASCII words only, by the measurement in docs/token-bound.md. Claude's legacy tokenizer: at most 1.69 times o200k's count,
// times 1.35 for the tokenizer of Opus 4.7, and a margin. Mistral's oldest: 1.88. Gemma's: 1.26.
const CLAUDE: CountRule = { encoding: 'o200k_base', mode: 'words', factor: 2.5 };
const MISTRAL: CountRule = { encoding: 'o200k_base', mode: 'words', factor: 2 };
const GOOGLE: CountRule = { encoding: 'o200k_base', mode: 'words', factor: 1.6 };

const RULES: Readonly<Record<Family, CountRule | undefined>> = {
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
function ruleOf(family: Family, model: string): CountRule | undefined {
  const rule = RULES[family === 'other' ? familyOfModel(model) : family];
  if (rule) return rule;
  const name = model.replace(/^(?:openai\/|ft:)+/, '').replace(/:.*$/, '');
  if (O200K_MODELS.test(name)) return OWN_O200K;
  return CL100K_MODELS.test(name) ? OWN_CL100K : undefined;
}

/**
 * An upper bound of a request's input tokens by a real tokenizer, for one model. Never above `byteBound`. Takes
 * milliseconds, in a worker; answers `byteBound` where there is no Node, no `gpt-tokenizer`, or no answer in time. Never rejects for want of a tokenizer.
 *
 * @param input as in `lengthBound`
 * @param tokenizer the default is one worker for the process
 * @param kept as in `lengthBound`
 * @example await sharpBound([{ role: 'user', content: essay }], 'openai', 'gpt-4o')
 */
export async function sharpBound(
  input: unknown,
  provider: string,
  model: string,
  tokenizer?: Pick<Tokenizer, 'count'>,
  kept?: WalkOptions['kept'],
): Promise<number> {
  const overhead = narrowOverheadOf(provider, model);
  const bytes = byteMeter(overhead.normalization);
  const upper = Math.min(
    byteBound(input, provider, model, kept),
    walkRequest(input, { meter: bytes, overhead, model, kept }),
  );
  const rule = ruleOf(overhead.family, model);
  if (rule === undefined) return upper;
  // Before the first await, since the caller may change its messages.
  const asides: Aside[] = [];
  const rest = walkRequest(input, { meter: settingAside(bytes, rule.mode, asides), overhead, model, kept });
  const texts = [...new Set(asides.map(({ text }) => text))];
  const counter = texts.length === 0 ? undefined : (tokenizer ?? (await processTokenizer()));
  const counts = await counter?.count(texts, rule);
  if (counts === undefined) return upper;
  const counted = new Map(texts.map((text, index) => [text, counts[index]]));
  let tokens = rest;
  for (const aside of asides) {
    const count = counted.get(aside.text);
    tokens += count === undefined ? aside.bytes : costOf(aside, count, rule.mode);
  }
  return Math.min(upper, tokens);
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
