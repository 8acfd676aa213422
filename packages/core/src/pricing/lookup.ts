/** Finds the price of a model by provider and id, as it held at a given time. */
import { CATALOG } from './catalog.ts';
import type { CatalogRow } from './catalog-row.ts';
import { modelRoutes, withoutDate } from './model-id.ts';
import { compilePrice, type Price } from './price-record.ts';

/** A model's prices, oldest first; `from[i]` is the first millisecond of `prices[i]`. */
interface Timeline {
  readonly prices: readonly Price[];
  readonly from: readonly number[];
}

/** Names come from outside, so what is remembered about them is bounded: when it is full, it starts over. */
const MAX_REMEMBERED = 10_000;
/** Longer than any real id; such a name is not worth remembering. */
const MAX_ID_LENGTH = 256;

const remembered = new Map<string, Map<string, Timeline | undefined>>();
let size = 0;

/**
 * The price of a model at a time, or `undefined` where it is not known. Only exact ids, aliases and release dates of
 * known models resolve: a name that merely begins like a known one does not.
 *
 * @param provider `openai`, `anthropic`, `google`, `mistral`, a cloud (`amazon-bedrock`, `google-vertex`) or a router
 * (`openrouter`, `gateway`)
 * @param model the id as sent to the provider
 * @param at milliseconds since the epoch: prices change, and the one in force then is taken
 * @example findPrice('openai', 'gpt-4o', Date.now())
 */
export function findPrice(provider: string, model: string, at: number): Price | undefined {
  const known = remembered.get(provider);
  const timeline = known?.get(model);
  if (timeline !== undefined) return priceAt(timeline, at);
  if (known?.has(model)) return undefined;
  if (provider.length > MAX_ID_LENGTH || model.length > MAX_ID_LENGTH) return undefined;
  const found = resolve(provider, model);
  remember(provider, model, found);
  return found && priceAt(found, at);
}

/** Those whose names lead to every row of the catalog. */
const PROVIDERS = [
  'openai',
  'anthropic',
  'google',
  'mistral',
  'amazon-bedrock',
  'google-vertex',
  'openrouter',
] as const;

/** Whether any provider has a model of this id whose price is known. */
export function isPricedAnywhere(model: string, at: number): boolean {
  return PROVIDERS.some((provider) => findPrice(provider, model, at) !== undefined);
}

function priceAt(timeline: Timeline, at: number): Price | undefined {
  let i = timeline.prices.length - 1;
  while (i > 0 && at < (timeline.from[i] ?? 0)) i -= 1;
  return timeline.prices[i];
}

function remember(provider: string, model: string, timeline: Timeline | undefined): void {
  if (size >= MAX_REMEMBERED) {
    remembered.clear();
    size = 0;
  }
  let models = remembered.get(provider);
  if (models === undefined) {
    models = new Map<string, Timeline | undefined>();
    remembered.set(provider, models);
  }
  models.set(model, timeline);
  size += 1;
}

let rowsByProvider: Map<string, Map<string, CatalogRow>> | undefined;

function resolve(provider: string, model: string): Timeline | undefined {
  rowsByProvider ??= indexRows();
  for (const route of modelRoutes(provider, model)) {
    const rows = rowsByProvider.get(route.provider);
    if (rows === undefined) continue;
    let id = route.id;
    let row = rows.get(id);
    if (row === undefined) {
      const undated = withoutDate(id);
      const base = undated === undefined ? undefined : rows.get(undated);
      if (undated === undefined || base?.dated !== true) continue;
      id = undated;
      row = base;
    }
    return timelineOf(row, id, route.regional ? regionalTenths(row, id) : 10, route.regional);
  }
  return undefined;
}

/**
 * OpenAI charges ten percent more in a region for models released since March 5, 2026: all but those that are known to be
 * older (developers.openai.com/api/docs/guides/data-residency).
 */
const OLDER_OPENAI =
  /^(?:ft:)?(?:chatgpt-4o|codex-mini|computer-use|dall-e|gpt-3|gpt-4|gpt-5(?![.-][4-9])|gpt-image-1|o[134]\b|text-)/;

/** What a regional endpoint charges, in tenths of the price. */
function regionalTenths({ regional, provider }: CatalogRow, id: string): number {
  if (regional !== undefined) return Math.round(regional * 10);
  return provider === 'openai' && !OLDER_OPENAI.test(id) ? 11 : 10;
}

function timelineOf(row: CatalogRow, id: string, tenths: number, regional: boolean): Timeline {
  return {
    prices: row.prices.map((dated) => compilePrice(row, dated, id, tenths, regional)),
    from: row.prices.map((dated) => (dated.from === undefined ? -Infinity : Date.parse(dated.from))),
  };
}

function indexRows(): Map<string, Map<string, CatalogRow>> {
  const index = new Map<string, Map<string, CatalogRow>>();
  for (const row of CATALOG) {
    let rows = index.get(row.provider);
    if (rows === undefined) {
      rows = new Map<string, CatalogRow>();
      index.set(row.provider, rows);
    }
    for (const id of row.ids) rows.set(id, row);
  }
  return index;
}
