/**
 * What the items of earlier answers cost that a provider keeps, for later requests that name them by id instead of sending
 * them again (OpenAI with `store`: platform.openai.com/docs/guides/conversation-state). An item is read as what it was
 * written as: it costs no more than all the output that its answer was billed.
 */
import { isCount } from '../outcome.ts';
import { fields, list, text } from './usage-fields.ts';

/** Items that are remembered; the oldest is forgotten first, and then costs what an unknown one does. */
const MOST_ITEMS = 2_048;
/** A longer id is none of OpenAI's, and is not kept. */
const LONGEST_ID = 128;

/** What is remembered of one host, since ids mean something at one only: ids and numbers, no text. */
export class KeptItems {
  readonly #tokens = new Map<string, number>();

  /**
   * Takes note of an answer.
   *
   * @param model the model that was asked: another one reads the same text as other tokens
   * @param outputTokens what the answer was billed; nothing is learnt where that is unknown
   */
  learn(model: string, ids: Iterable<string>, outputTokens: number | undefined): void {
    if (!isCount(outputTokens) || outputTokens === 0) return;
    for (const id of ids) {
      if (id === '' || id.length > LONGEST_ID) continue;
      const key = keyOf(id, model);
      // A host that gives one id to two answers may mean either.
      const tokens = Math.max(outputTokens, this.#tokens.get(key) ?? 0);
      this.#tokens.delete(key);
      this.#tokens.set(key, tokens);
      if (this.#tokens.size <= MOST_ITEMS) continue;
      const [oldest] = this.#tokens.keys();
      if (oldest !== undefined) this.#tokens.delete(oldest);
    }
  }

  /** The most tokens that an item counts as; `undefined` where its answer was not seen. For `CallRequest.keptItems`. */
  readonly tokensOf = (id: string, model: string): number | undefined => this.#tokens.get(keyOf(id, model));
}

function keyOf(id: string, model: string): string {
  return `${id} ${model}`;
}

/** More hosts than an app asks; for others nothing is remembered. */
const MOST_HOSTS = 64;

const memories = new WeakMap<object, Map<string, KeptItems>>();

/**
 * The memory of one host.
 *
 * @param owner whose memory it is: a guard, or a model object whose host is its own secret
 * @param host tells apart the hosts that one owner asks
 */
export function keptItemsOf(owner: object, host = ''): KeptItems {
  let hosts = memories.get(owner);
  if (hosts === undefined) memories.set(owner, (hosts = new Map<string, KeptItems>()));
  let items = hosts.get(host);
  if (items === undefined) {
    items = new KeptItems();
    if (hosts.size < MOST_HOSTS) hosts.set(host, items);
  }
  return items;
}

/** What the model itself writes. What a tool of OpenAI's brings is not billed as output. */
const WRITTEN: ReadonlySet<unknown> = new Set(['reasoning', 'message', 'function_call', 'custom_tool_call']);

/** The ids of the items that a model wrote in an answer of OpenAI's Responses API; none for any other answer. */
export function writtenItems(answer: unknown): string[] {
  return list(fields(answer)?.['output']).flatMap((value) => {
    const item = fields(value);
    return WRITTEN.has(item?.['type']) ? (text(item?.['id']) ?? []) : [];
  });
}
