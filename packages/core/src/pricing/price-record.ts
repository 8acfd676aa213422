/** One model's price, ready for the arithmetic. */
import type { CatalogRow, DatedSheet } from './catalog-row.ts';
import { DEAREST_FEES, FEE, isContainerFee, PROVIDER_FEES } from './fees.ts';
import { compileSheet, dearerSheet, picoRate, type Sheet } from './rates.ts';
import { tierOf, type Tier } from './tier.ts';

/** What a call to one model costs. Made by `findPrice`, `customPrice` and `ceilingPrice`; never by hand. */
export interface Price {
  readonly provider: string;
  /** The catalog's id of the model. */
  readonly model: string;
  readonly kind: 'text' | 'embedding' | 'image';
  /** The context window in tokens: no request has more input. Unknown where left out. */
  readonly maxInputTokens?: number;
  /** The most output tokens that one answer can have. Unknown where left out. */
  readonly maxOutputTokens?: number;
  /** Standard rates. */
  readonly sheet: Sheet;
  /** Rates by the tier that an answer names. */
  readonly answered: Readonly<Partial<Record<Tier, Sheet>>>;
  /** Bounds by the tier that a request asks for: never below standard, since the provider may serve it there. */
  readonly asked: Readonly<Partial<Record<Tier, Sheet>>>;
  /** Pico-dollars per generated image, at the dearest published size; 0 where images are priced by token. */
  readonly perImage: number;
  /** The most output tokens that one generated image takes; 0 where that is not how it is priced. */
  readonly imageTokens: number;
  /** Pico-dollars per call of a provider-run tool, by fee name. */
  readonly fees: Readonly<Record<string, number>>;
  /** For a fee name that is not in `fees`: the dearest of them, but for large containers. */
  readonly otherFee: number;
  /** For a container whose size is not in `fees`: the dearest of them all. */
  readonly otherContainerFee: number;
  /** Whether tokens of an unstated kind are charged at the dearest kind: the model exists to make images or speech. */
  readonly unstatedIsDearest: boolean;
  /** Served from a regional endpoint, which newer Claude models price higher. */
  readonly regional: boolean;
  /** What it was compiled from: ids that share a row are one model. */
  readonly row: CatalogRow;
}

/** Priority where no rate is published: Google states 75 to 100 % more, and OpenAI's published rates are at most double. */
const UNPUBLISHED_PRIORITY_TENTHS: Readonly<Record<string, number>> = { openai: 20, google: 20 };

/** What Anthropic charges for `inference_geo: 'us'`, in tenths. */
const US_ONLY_TENTHS = 11;

/**
 * A catalog row's price for one model id.
 *
 * @param tenths a tenth of it is the factor that the endpoint charges: 11 where a regional one costs ten percent more
 */
export function compilePrice(row: CatalogRow, dated: DatedSheet, model: string, tenths = 10, regional = false): Price {
  const kind = row.kind ?? 'text';
  const sheet = compileSheet(dated, tenths);
  const answered: Partial<Record<Tier, Sheet>> = { standard: sheet };
  for (const [name, tier] of Object.entries(dated.tiers ?? {})) {
    const above = dated.above === undefined ? {} : { above: dated.above };
    answered[tierOf(name)] = compileSheet({ ...above, ...tier }, tenths);
  }
  answered.priority ??= unpublishedPriority(row, dated, sheet);
  if (row.provider === 'anthropic' && row.regional !== undefined) answered.us = compileSheet(dated, US_ONLY_TENTHS);
  answered.unknown = dearerSheet(sheet, answered.priority);
  answered.fast ??= answered.unknown;
  const asked: Partial<Record<Tier, Sheet>> = {};
  for (const [name, tier] of Object.entries(answered)) asked[name as Tier] = dearerSheet(sheet, tier);

  const fees: Record<string, number> = {};
  for (const [name, usd] of Object.entries({ ...(PROVIDER_FEES[row.provider] ?? DEAREST_FEES), ...row.fees }))
    fees[name] = picoPerCall(usd);
  return {
    provider: row.provider,
    model,
    kind,
    ...(row.maxInput !== undefined && kind !== 'embedding' ? { maxInputTokens: row.maxInput } : {}),
    ...(row.maxOutput !== undefined ? { maxOutputTokens: row.maxOutput } : {}),
    sheet,
    answered,
    asked,
    perImage: picoRate((row.perImage ?? 0) * 1e6),
    imageTokens: row.imageTokens ?? 0,
    fees,
    otherFee: dearest(fees, (name) => name === FEE.codeExecution || !isContainerFee(name)),
    otherContainerFee: dearest(fees, () => true),
    unstatedIsDearest:
      kind === 'image' || Math.max(sheet.short.outputAudio, sheet.short.outputImage) > sheet.short.output,
    regional,
    row,
  };
}

function dearest(fees: Readonly<Record<string, number>>, among: (name: string) => boolean): number {
  return Math.max(0, ...Object.entries(fees).map(([name, fee]) => (among(name) ? fee : 0)));
}

function unpublishedPriority(row: CatalogRow, dated: DatedSheet, sheet: Sheet): Sheet {
  const tenths = UNPUBLISHED_PRIORITY_TENTHS[row.provider];
  return tenths === undefined ? sheet : compileSheet(dated, tenths);
}

/** USD per 1,000 calls as pico-dollars per call. */
function picoPerCall(usdPer1k: number): number {
  return picoRate(usdPer1k * 1e3);
}
