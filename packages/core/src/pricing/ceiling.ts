/** A price for models whose own is not known, for those who choose `onUnknownModel: 'ceiling'`. */
import { CATALOG } from './catalog.ts';
import type { CatalogRow, UsdRates } from './catalog-row.ts';
import { DEAREST_FEES } from './fees.ts';
import { compilePrice, type Price } from './price-record.ts';

/** The ceiling is never below these, in USD per million tokens. */
const FLOOR = { input: 10, output: 50 };

let ceiling: Price | undefined;

/**
 * The highest rates among the catalog's text models, each on its own, at least 10 and 50 USD per million tokens of
 * input and output; tool calls and images at the dearest published fee.
 */
export function ceilingPrice(provider: string, model: string): Price {
  ceiling ??= computeCeiling();
  return { ...ceiling, provider, model };
}

function computeCeiling(): Price {
  const highest: Record<keyof UsdRates, number> = { ...NOTHING, ...FLOOR };
  let perImage = 0;
  const fees: Record<string, number> = { ...DEAREST_FEES };
  for (const row of CATALOG) {
    perImage = Math.max(perImage, row.perImage ?? 0);
    for (const [name, usd] of Object.entries(row.fees ?? {})) fees[name] = Math.max(fees[name] ?? 0, usd);
    const newest = row.prices.at(-1);
    if (newest === undefined || row.kind !== undefined) continue;
    for (const rates of [newest.rates, newest.long ?? newest.rates]) {
      for (const key of Object.keys(highest) as (keyof UsdRates)[]) {
        // A rate that is not published is what input or output costs.
        const usd = rates[key] ?? (isOutput(key) ? rates.output : rates.input);
        if (usd > highest[key]) highest[key] = usd;
      }
    }
  }
  const row: CatalogRow = { provider: '', ids: [], perImage, fees, prices: [] };
  return { ...compilePrice(row, { rates: highest }, ''), unstatedIsDearest: false };
}

const NOTHING: Record<keyof UsdRates, number> = {
  input: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cacheWrite1h: 0,
  inputAudio: 0,
  cacheReadAudio: 0,
  inputImage: 0,
  output: 0,
  reasoning: 0,
  outputAudio: 0,
  outputImage: 0,
};

function isOutput(key: keyof UsdRates): boolean {
  return key === 'reasoning' || key.startsWith('output');
}
