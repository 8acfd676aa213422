/** The price catalog as plain data, for those who show prices; what a call costs is worked out by `findPrice`. */
import { CATALOG } from './catalog.ts';
import type { CatalogRow, DatedSheet, UsdRates } from './catalog-row.ts';

/** The day (UTC) on which the catalog was last compiled from its sources. */
const CATALOG_DATE = '2026-11-23';

/** What one model costs now, in US dollars. */
export interface ListedPrice {
  /** `openai`, `anthropic`, `google`, `mistral`, a cloud or a router. */
  readonly provider: string;
  /** The id as it is sent to the provider. */
  readonly model: string;
  readonly kind: 'text' | 'embedding' | 'image';
  /** The day (`YYYY-MM-DD`) from which this price holds; `null`: since ever. */
  readonly from: string | null;
  /** USD per million tokens. A kind that is left out has no price of its own: see `UsdRates`. */
  readonly rates: UsdRates;
  /** The same for requests with more input tokens than `above`. */
  readonly long?: { readonly above: number; readonly rates: UsdRates };
  /** USD for one generated image, where images are priced so. */
  readonly perImage?: number;
  readonly maxInputTokens?: number;
  readonly maxOutputTokens?: number;
}

/** The whole catalog. */
export interface PriceList {
  /** The day (UTC, `YYYY-MM-DD`) on which the catalog was compiled. */
  readonly date: string;
  readonly currency: 'USD';
  readonly models: readonly ListedPrice[];
}

/**
 * Every model with the price that holds at a time, by provider and model.
 *
 * @param at milliseconds since the epoch
 * @example listPrices(Date.now()).models.find(({ model }) => model === 'gpt-4o')?.rates.input // 2.5
 */
export function listPrices(at: number): PriceList {
  const models = CATALOG.flatMap((row) => {
    const sheet = sheetAt(row, at);
    return sheet === undefined ? [] : row.ids.map((model) => listed(row, model, sheet));
  });
  return { date: CATALOG_DATE, currency: 'USD', models: models.sort(byProviderAndModel) };
}

/** The last that has begun; before the first, the first, as `findPrice` has it. */
function sheetAt(row: CatalogRow, at: number): DatedSheet | undefined {
  const begun = row.prices.findLast(({ from }) => from === undefined || Date.parse(from) <= at);
  return begun ?? row.prices[0];
}

function listed(row: CatalogRow, model: string, sheet: DatedSheet): ListedPrice {
  return {
    provider: row.provider,
    model,
    kind: row.kind ?? 'text',
    from: sheet.from ?? null,
    rates: sheet.rates,
    ...(sheet.above === undefined || sheet.long === undefined
      ? {}
      : { long: { above: sheet.above, rates: sheet.long } }),
    ...(row.perImage === undefined ? {} : { perImage: row.perImage }),
    ...(row.maxInput === undefined ? {} : { maxInputTokens: row.maxInput }),
    ...(row.maxOutput === undefined ? {} : { maxOutputTokens: row.maxOutput }),
  };
}

function byProviderAndModel(a: ListedPrice, b: ListedPrice): number {
  const [left, right] = [`${a.provider}\0${a.model}`, `${b.provider}\0${b.model}`];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
