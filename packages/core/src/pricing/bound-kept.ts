/**
 * What a request names by its id because OpenAI keeps it, and bills as input again
 * (platform.openai.com/docs/guides/conversation-state).
 */
import { UNBOUNDABLE_TOKENS } from './bound-provider.ts';

/** The most tokens of an item that the request names by its id; `undefined` for one that is not known. */
export type KeptTokens = (id: string) => number | undefined;

/** The reasoning of an earlier step, where nothing is known of it. A stated ceiling; OpenAI advises to leave 25,000 tokens for it. */
const REASONING_TOKENS = 32_768;

/** Tools that OpenAI ran: the item names what they found, and need not hold it. */
const HOSTED_CALLS: ReadonlySet<unknown> = new Set([
  'web_search_call',
  'file_search_call',
  'code_interpreter_call',
  'image_generation_call',
]);

interface Item {
  readonly [key: string]: unknown;
}

/** Whether a part of this type may name what is kept. */
export function namesKept(type: string): boolean {
  return type === 'reasoning' || type === 'item_reference' || HOSTED_CALLS.has(type);
}

/** What a part costs besides what stands in it. */
export function keptItemTokens(type: string, item: Item, kept: KeptTokens | undefined): number {
  if (type === 'reasoning') return reasoningTokens(item, kept);
  const { id } = item;
  if (type === 'item_reference') return tokensOf(id, kept) ?? UNBOUNDABLE_TOKENS;
  return typeof id === 'string' ? UNBOUNDABLE_TOKENS : 0;
}

function reasoningTokens(item: Item, kept: KeptTokens | undefined): number {
  const { id, encrypted_content: encrypted, providerOptions } = item;
  if (encrypted !== undefined && encrypted !== null) return 0; // it brings itself along
  if (typeof id === 'string') return tokensOf(id, kept) ?? REASONING_TOKENS;
  const itemId = itemIdOf(providerOptions);
  if (itemId === undefined) return 0;
  const tokens = tokensOf(itemId, kept);
  if (tokens === undefined) return REASONING_TOKENS;
  // The AI SDK makes a part of each paragraph of a summary, and one reference of all that name one item.
  if (named?.has(itemId) === true) return 0;
  (named ??= new Set()).add(itemId);
  return tokens;
}

function itemIdOf(providerOptions: unknown): string | undefined {
  if (typeof providerOptions !== 'object' || providerOptions === null) return undefined;
  for (const value of Object.values(providerOptions) as unknown[]) {
    if (typeof value !== 'object' || value === null) continue;
    const { itemId, reasoningEncryptedContent } = value as { itemId?: unknown; reasoningEncryptedContent?: unknown };
    if (typeof itemId === 'string' && typeof reasoningEncryptedContent !== 'string') return itemId;
  }
  return undefined;
}

function tokensOf(id: unknown, kept: KeptTokens | undefined): number | undefined {
  return kept === undefined || typeof id !== 'string' ? undefined : kept(id);
}

/** Items that the present walk has counted, which is synchronous. */
let named: Set<string> | undefined;

/** What the present walk has counted, to go on from here a second time. */
export function counted(): Set<string> | undefined {
  return named && new Set(named);
}

/** Goes on with what was counted before; with nothing at the start of a walk. */
export function recount(before: Set<string> | undefined): void {
  named = before;
}
