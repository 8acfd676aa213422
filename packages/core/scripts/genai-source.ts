/** Reads `@pydantic/genai-prices`: which ids it knows, and what each one costs since when. */
import { calcPrice, findProvider, type MatchLogic, type ModelInfo, type ModelPrice } from '@pydantic/genai-prices';
import type { DatedSheet, UsdRates } from '../src/pricing/catalog-row.ts';

/** Their names of rates, and ours. What is missing here (video, pages, hours) has no field in `Usage`. */
const RATE_KEYS: Readonly<Record<string, keyof UsdRates>> = {
  input_mtok: 'input',
  cache_read_mtok: 'cacheRead',
  cache_write_mtok: 'cacheWrite',
  cache_write_1h_mtok: 'cacheWrite1h',
  input_audio_mtok: 'inputAudio',
  cache_audio_read_mtok: 'cacheReadAudio',
  input_image_mtok: 'inputImage',
  output_mtok: 'output',
  output_audio_mtok: 'outputAudio',
  output_image_mtok: 'outputImage',
};

/** The model that prices an id, by the library's own matching. */
export function modelOf(provider: string, id: string): ModelInfo | undefined {
  return calcPrice({}, id, { providerId: provider })?.model;
}

/** Every model that a provider lists. */
export function modelsOf(provider: string): readonly ModelInfo[] {
  const found = findProvider({ providerId: provider });
  if (found === undefined) throw new Error(`genai-prices has no provider ${provider}`);
  return found.models;
}

/** The strings inside a match rule: each may be an id, which `modelOf` then confirms. */
export function idsIn(match: MatchLogic): string[] {
  if ('or' in match) return match.or.flatMap(idsIn);
  if ('and' in match) return match.and.flatMap(idsIn);
  if ('equals' in match) return [match.equals];
  if ('starts_with' in match) return [match.starts_with];
  if ('ends_with' in match) return [match.ends_with];
  if ('contains' in match) return [match.contains];
  return [];
}

/** A model's prices, oldest first; empty where it is not priced by tokens. */
export function pricesOf(model: ModelInfo): DatedSheet[] {
  const entries = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  return entries.flatMap((entry) => {
    const sheet = sheetOf(entry.prices, model.id);
    if (sheet === undefined) return [];
    const constraint = 'constraint' in entry ? entry.constraint : undefined;
    if (constraint === undefined) return [sheet];
    if (constraint.type !== 'start_date') throw new Error(`${model.id}: prices by time of day are not supported`);
    return [{ from: constraint.start_date, ...sheet }];
  });
}

function sheetOf(prices: ModelPrice, id: string): DatedSheet | undefined {
  const short: Partial<Record<keyof UsdRates, number>> = {};
  const long: Partial<Record<keyof UsdRates, number>> = {};
  const starts = new Set<number>();
  for (const [key, value] of Object.entries(prices)) {
    const rate = RATE_KEYS[key];
    if (rate === undefined || value === undefined) continue;
    if (typeof value === 'number') {
      short[rate] = long[rate] = value;
      continue;
    }
    const [tier, ...more] = value.tiers;
    if (tier === undefined || more.length > 0) throw new Error(`${id}: ${key} has not exactly one long-context tier`);
    short[rate] = value.base;
    long[rate] = tier.price;
    starts.add(tier.start);
  }
  if (short.input === undefined) return undefined;
  const rates: UsdRates = { ...short, input: short.input, output: short.output ?? 0 };
  if (starts.size === 0) return { rates };
  const [above, ...others] = starts;
  if (above === undefined || others.length > 0) throw new Error(`${id}: long-context tiers begin at different lengths`);
  return { rates, above, long: { ...long, input: long.input ?? rates.input, output: long.output ?? rates.output } };
}
