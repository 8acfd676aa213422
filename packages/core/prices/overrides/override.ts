/** The shape of a correction by hand. */
import type { CatalogRow, DatedSheet, UsdRates } from '../../src/pricing/catalog-row.ts';

/** What an override sets; rates are merged into every dated price of the model. */
export interface OverrideFields {
  readonly rates?: Partial<UsdRates>;
  /** Replaces all prices: for a model that the first source does not know, and whose price has changed. */
  readonly prices?: readonly DatedSheet[];
  readonly above?: number;
  readonly long?: UsdRates;
  /** Factor on all rates when the answer was served in Anthropic's fast mode. */
  readonly fastFactor?: number;
  readonly kind?: 'embedding' | 'image';
  readonly maxInput?: number;
  readonly maxOutput?: number;
  readonly perImage?: number;
  readonly imageTokens?: number;
  readonly regional?: number;
  readonly fees?: CatalogRow['fees'];
  readonly dated?: true;
}

export interface Override {
  readonly provider: 'openai' | 'anthropic' | 'google' | 'mistral';
  /** Exact ids; those that the first source does not know are added. */
  readonly ids?: readonly string[];
  /** For a rule that holds for many models. */
  readonly match?: RegExp;
  readonly set: OverrideFields;
  readonly source: string;
  /** The day on which the source was read. */
  readonly checked: string;
}
