/** What the arithmetic relies on, checked for every row before the catalog is written. */
import { compileRates } from '../src/pricing/rates.ts';
import type { CatalogRow, UsdRates } from '../src/pricing/catalog-row.ts';

/** One sentence for each rule that a row breaks. */
export function problemsOf(rows: readonly CatalogRow[]): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const row of rows) {
    const name = `${row.provider}/${row.ids[0] ?? '?'}`;
    for (const id of row.ids) {
      if (seen.has(`${row.provider}/${id}`)) problems.push(`${row.provider}/${id} is listed twice`);
      seen.add(`${row.provider}/${id}`);
    }
    if (row.prices.length === 0) problems.push(`${name} has no price`);
    row.prices.forEach((sheet, i) => {
      const previous = row.prices[i - 1];
      if (previous !== undefined && !((previous.from ?? '') < (sheet.from ?? '')))
        problems.push(`${name}: dates out of order`);
      const all = [sheet, ...Object.values(sheet.tiers ?? {})];
      for (const { rates, long } of all) {
        problems.push(...wholePico(name, rates), ...(long === undefined ? [] : wholePico(name, long)));
        if (long !== undefined)
          problems.push(...notBelow(name, 'long', long, rates), ...boundsNotBelow(name, long, rates));
      }
      const free = sheet.rates.input === 0 && sheet.rates.output === 0;
      if (free && row.perImage === undefined && !row.ids.every((id) => id.endsWith(':free')))
        problems.push(`${name} is free`);
      for (const tier of ['priority', 'fast']) {
        const dear = sheet.tiers?.[tier];
        if (dear !== undefined) problems.push(...notBelow(name, tier, dear.rates, sheet.rates));
      }
    });
  }
  return problems;
}

function wholePico(name: string, rates: UsdRates): string[] {
  return Object.entries(rates)
    .filter(([, usd]) => typeof usd !== 'number' || usd < 0 || Math.abs(usd * 1e6 - Math.round(usd * 1e6)) > 1e-3)
    .map(([key, usd]) => `${name}: ${key} ${String(usd)} is no whole number of pico-dollars`);
}

function notBelow(name: string, what: string, high: UsdRates, low: UsdRates): string[] {
  return (Object.keys(low) as (keyof UsdRates)[])
    .filter((key) => (high[key] ?? 0) < (low[key] ?? 0))
    .map((key) => `${name}: the ${what} rate of ${key} is below the standard rate`);
}

/** The bound of a long request must cover one that stays short in the end. */
function boundsNotBelow(name: string, long: UsdRates, short: UsdRates): string[] {
  const [high, low] = [compileRates(long), compileRates(short)];
  return (['worstInput', 'worstInput5m', 'worstInput1h', 'worstOutput'] as const)
    .filter((key) => high[key] < low[key])
    .map((key) => `${name}: ${key} of long requests is below that of short ones`);
}
