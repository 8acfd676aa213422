/** The shape of the generated price catalog: published prices in US dollars, as a person would review them. */

/**
 * Published rates in USD per million tokens. A rate that is left out is not published: cached input then costs what
 * input costs, and a kind of token without its own rate costs what text costs.
 */
export interface UsdRates {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
  readonly cacheWrite1h?: number;
  readonly inputAudio?: number;
  readonly cacheReadAudio?: number;
  readonly inputImage?: number;
  readonly reasoning?: number;
  readonly outputAudio?: number;
  readonly outputImage?: number;
}

/** Rates for requests of ordinary length, and for those whose whole input exceeds `above` tokens. */
export interface UsdSheet {
  readonly rates: UsdRates;
  /** A request with more input tokens than this is charged at `long`, all of it. */
  readonly above?: number;
  readonly long?: UsdRates;
}

/** One price and the day from which it holds. */
export interface DatedSheet extends UsdSheet {
  /** The first day (UTC, `YYYY-MM-DD`); left out: since ever. */
  readonly from?: string;
  /** Published rates of other service tiers, by tier name; the threshold is the sheet's own. */
  readonly tiers?: Readonly<Record<string, { readonly rates: UsdRates; readonly long?: UsdRates }>>;
}

/** Models that share one price. */
export interface CatalogRow {
  readonly provider: string;
  /** The exact model ids that this row prices. */
  readonly ids: readonly string[];
  /** Whether an id followed by a release date (`-20250929`, `-2025-04-14`, `@20250929`) is the same model. */
  readonly dated?: true;
  /** Default `text`. */
  readonly kind?: 'embedding' | 'image';
  /** The context window: no request can have more input. Left out for embeddings, where it bounds one item of many. */
  readonly maxInput?: number;
  readonly maxOutput?: number;
  /** USD for one image at the dearest published size and quality. */
  readonly perImage?: number;
  /** The most output tokens that one generated image takes. */
  readonly imageTokens?: number;
  /** What regional endpoints charge, as a factor: 1.1 is ten percent more. */
  readonly regional?: number;
  /** Fees of provider-run tools that differ from the provider's own, in USD per 1,000 calls. */
  readonly fees?: Readonly<Record<string, number>>;
  /** Oldest first. */
  readonly prices: readonly DatedSheet[];
}
