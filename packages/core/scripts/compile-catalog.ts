/**
 * Writes src/pricing/catalog.ts. `--check` writes nothing and fails when the committed file is stale.
 *
 *     npx tsx packages/core/scripts/compile-catalog.ts [--check]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { buildCatalog, printCatalog } from './catalog-source.ts';

const file = new URL('../src/pricing/catalog.ts', import.meta.url);
const rows = buildCatalog();
const text = printCatalog(rows);
const ids = rows.reduce((sum, row) => sum + row.ids.length, 0);

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('src/pricing/catalog.ts is stale. Run: npx tsx packages/core/scripts/compile-catalog.ts');
    process.exitCode = 1;
  } else console.log(`The catalog is up to date: ${rows.length} prices, ${ids} ids, ${text.length} bytes.`);
} else {
  writeFileSync(file, text);
  console.log(`Wrote ${rows.length} prices, ${ids} ids, ${text.length} bytes.`);
}
