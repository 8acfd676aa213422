import { readFileSync } from 'node:fs';
import { calcPrice, findProvider } from '@pydantic/genai-prices';
import { describe, expect, it } from 'vitest';
import { COMPARED_AT } from '../prices/reviewed-differences.ts';
import { buildCatalog, printCatalog } from '../scripts/catalog-source.ts';
import { problemsOf } from '../scripts/catalog-problems.ts';
import { compareSources, reviewDifferences, table } from '../scripts/price-differences.ts';
import { costOf, findPrice } from '../src/pricing/price.ts';

describe('the generated catalog', () => {
  it('is what its sources compile to', () => {
    const committed = readFileSync(new URL('../src/pricing/catalog.ts', import.meta.url), 'utf8');
    expect(printCatalog(buildCatalog()) === committed, 'run npx tsx packages/core/scripts/compile-catalog.ts').toBe(
      true,
    );
    expect(committed.length).toBeLessThan(120_000);
  });

  it('is refused when a row breaks a rule', () => {
    const problems = problemsOf([
      {
        provider: 'openai',
        ids: ['a', 'a'],
        prices: [{ rates: { input: 0.0000001, output: 1 }, above: 9, long: { input: 0, output: 1 } }],
      },
      { provider: 'openai', ids: ['free'], prices: [{ rates: { input: 0, output: 0 } }] },
    ]);
    expect(problems).toEqual([
      'openai/a is listed twice',
      'openai/a: input 1e-7 is no whole number of pico-dollars',
      'openai/a: the long rate of input is below the standard rate',
      'openai/a: worstInput of long requests is below that of short ones',
      'openai/a: worstInput5m of long requests is below that of short ones',
      'openai/a: worstInput1h of long requests is below that of short ones',
      'openai/free is free',
    ]);
  });

  it('gives Claude on Bedrock the regional prices that the first source lists', () => {
    const at = Date.parse(COMPARED_AT);
    let compared = 0;
    for (const model of findProvider({ providerId: 'aws' })?.models ?? []) {
      const id = /^(?:regional|global)\.(anthropic\.claude-.+)$/.exec(model.id)?.[1];
      if (id === undefined) continue;
      const region = model.id.startsWith('global') ? 'global' : 'us';
      const theirs = calcPrice({ input_tokens: 1_000, output_tokens: 1_000 }, `${region}.${id}`, { providerId: 'aws' });
      const ours = findPrice('amazon-bedrock', `${region}.${id}`, at);
      expect(ours, id).toBeDefined();
      if (ours === undefined || theirs === null) continue;
      compared += 1;
      expect(costOf(ours, { inputTokens: 1_000, outputTokens: 1_000 }), id).toBe(Math.round(theirs.total_price * 1e9));
    }
    expect(compared).toBeGreaterThan(20);
  });
});

describe('the second source', () => {
  const { compared, differences } = compareSources();

  it('agrees with every price, but for the reviewed differences', () => {
    expect(compared).toBeGreaterThan(150);
    const { unreviewed, stale } = reviewDifferences(differences);
    expect(unreviewed.length, `not reviewed:\n${table(unreviewed)}`).toBe(0);
    expect(stale.length, `no longer a difference:\n${table(stale)}`).toBe(0);
  });

  it('finds a new difference and a stale entry', () => {
    const [first] = differences;
    if (first === undefined) throw new Error('nothing to compare');
    const changed = { ...first, ours: first.ours + 1 };
    const { unreviewed } = reviewDifferences([...differences, changed]);
    expect(unreviewed).toEqual([changed]);
    const { stale } = reviewDifferences(differences.slice(1));
    expect(stale.map(({ model, field }) => ({ model, field }))).toEqual([{ model: first.model, field: first.field }]);
  });
});
