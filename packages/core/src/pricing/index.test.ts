import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CATALOG } from './catalog.ts';
import { listPrices } from './index.ts';
import { findPrice } from './lookup.ts';

const NOW = Date.UTC(2026, 10, 23);

describe('listPrices', () => {
  it('lists every id of the catalog once, in order', () => {
    const { models } = listPrices(NOW);
    const names = models.map(({ provider, model }) => `${provider}\0${model}`);
    expect(names).toHaveLength(CATALOG.reduce((sum, { ids }) => sum + ids.length, 0));
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual([...names].sort());
  });

  it('gives published prices in dollars per million tokens', () => {
    const gpt4o = listPrices(NOW).models.find(({ provider, model }) => provider === 'openai' && model === 'gpt-4o');
    expect(gpt4o).toMatchObject({ kind: 'text', rates: { input: 2.5, cacheRead: 1.25, output: 10 } });
  });

  it('agrees with what calls are charged, at any time', () => {
    for (const at of [0, Date.UTC(2025, 5, 1), NOW, Date.UTC(2030, 0, 1)]) {
      for (const { provider, model, rates, long } of listPrices(at).models) {
        const price = findPrice(provider, model, at)!;
        // Not by the same path: a router's own price goes before another provider's.
        expect([model, price.sheet.short.input / 1e6]).toEqual([model, rates.input]);
        expect([model, price.sheet.short.output / 1e6]).toEqual([model, rates.output]);
        expect([model, price.sheet.above]).toEqual([model, long?.above ?? Infinity]);
      }
    }
  });

  it('carries the date of this very catalog', () => {
    const fingerprint = createHash('sha256').update(JSON.stringify(CATALOG)).digest('hex').slice(0, 16);
    // Another fingerprint: the catalog was compiled anew. Set CATALOG_DATE to that day, and the fingerprint here.
    expect({ date: listPrices(NOW).date, fingerprint }).toEqual({
      date: '2026-11-23',
      fingerprint: '50c7b4e1674149db',
    });
  });
});
