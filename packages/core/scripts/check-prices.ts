/**
 * Fails when the catalog and the second source disagree in a way that nobody has reviewed.
 *
 *     npx tsx packages/core/scripts/check-prices.ts
 */
import { compareSources, reviewDifferences, table } from './price-differences.ts';

const { compared, differences } = compareSources();
const { unreviewed, stale } = reviewDifferences(differences);
console.log(
  `${compared} models compared, ${differences.length} differences, ${unreviewed.length} not reviewed, ${stale.length} stale.`,
);
if (unreviewed.length > 0) {
  console.error(
    '\nFind out which figure is right. Then correct prices/overrides.ts, or list it in prices/reviewed-differences.ts:\n',
  );
  console.error(table(unreviewed));
}
if (stale.length > 0) {
  console.error('\nNo longer a difference: remove from prices/reviewed-differences.ts:\n');
  console.error(table(stale));
}
if (unreviewed.length > 0 || stale.length > 0) process.exitCode = 1;
