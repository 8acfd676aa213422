/** Writes docs/conformance.md: `npx tsx conformance/write-page.ts`. The test run compares the committed page. */
import { writeFileSync } from 'node:fs';
import { PAGE, printPage } from './page.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { SUBJECTS } from './subjects/index.ts';

writeFileSync(PAGE, await printPage(SCENARIOS, SUBJECTS));
console.info('Wrote docs/conformance.md.');
