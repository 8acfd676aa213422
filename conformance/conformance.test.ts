import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expectedOf } from './contract.ts';
import { PAGE, printPage } from './page.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { play } from './stage.ts';
import { SUBJECTS } from './subjects/index.ts';

describe.concurrent.each(SUBJECTS.map((subject) => [`${subject.framework}: ${subject.name}`, subject] as const))(
  '%s',
  (_, subject) => {
    for (const scenario of SCENARIOS) {
      const expected = expectedOf(scenario, subject);
      if (expected !== undefined) it(`${scenario.id}: ${scenario.title}`, () => play(scenario, subject, expected));
    }

    it('departs only from scenarios that exist', () => {
      const ids = SCENARIOS.map(({ id }) => id);
      expect(Object.keys(subject.departures ?? {}).filter((id) => !ids.includes(id))).toEqual([]);
    });
  },
);

it('the page says what holds; npx tsx conformance/write-page.ts writes it', async () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(await printPage(SCENARIOS, SUBJECTS));
});
