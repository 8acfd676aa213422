/** Reads `prices/model-facts.json`: the largest input and output of a model, and its rates on other service tiers. */
import facts from '../prices/model-facts.json' with { type: 'json' };
import { TIER_REFERENCE } from '../prices/overrides.ts';
import type { DatedSheet, UsdRates } from '../src/pricing/catalog-row.ts';

interface Facts {
  readonly provider: string;
  readonly mode: string;
  readonly maxInput?: number;
  readonly maxOutput?: number;
  readonly usdPerMillion?: Readonly<Record<string, number>>;
}

const FACTS = new Map<string, Facts>(Object.entries(facts));

/** The ids that are listed for a provider. */
export function factIds(provider: string): string[] {
  return [...FACTS].filter(([, fact]) => fact.provider === provider).map(([id]) => id);
}

export function factsOf(id: string): Facts | undefined {
  return FACTS.get(id);
}

const SUFFIX = { batch: 'batches', flex: 'flex', priority: 'priority' } as const;
const PREFIX: Readonly<Record<string, keyof UsdRates>> = {
  input_cost_per_token: 'input',
  output_cost_per_token: 'output',
  cache_read_input_token_cost: 'cacheRead',
  cache_creation_input_token_cost: 'cacheWrite',
  input_cost_per_audio_token: 'inputAudio',
};

/** Discounts that a provider publishes for all its models, as a share of the standard rate. */
const PUBLISHED_SHARE: Readonly<Record<string, Partial<Record<'batch' | 'flex', number>>>> = {
  // platform.claude.com/docs/en/build-with-claude/batch-processing; ai.google.dev/gemini-api/docs/optimization
  anthropic: { batch: 0.5 },
  google: { batch: 0.5, flex: 0.5 },
};

/** The rates of all ids that share a model, by tier: the dearest of them, as they differ only by what is left out. */
export function publishedTiers(ids: readonly string[]): Map<string, number> {
  const published = new Map<string, number>();
  for (const id of ids) {
    for (const [key, usd] of Object.entries(FACTS.get(id)?.usdPerMillion ?? {})) {
      published.set(key, Math.max(usd, published.get(key) ?? 0));
    }
  }
  return published;
}

/** The tiers of one dated price, or `undefined` where only the standard tier has a price. */
export function tiersOf(
  provider: string,
  modelId: string,
  sheet: DatedSheet,
  published: ReadonlyMap<string, number>,
): DatedSheet['tiers'] {
  if (sheet.rates.input === 0) return undefined;
  const scale = sheet.rates.input / (TIER_REFERENCE[modelId] ?? sheet.rates.input);
  const tiers: Record<string, { rates: UsdRates; long?: UsdRates }> = {};
  for (const tier of ['batch', 'flex', 'priority'] as const) {
    const short = publishedRates(published, `_${SUFFIX[tier]}`, scale) ?? shareOf(provider, tier, sheet.rates);
    if (short === undefined || !plausible(tier, short, sheet.rates)) continue;
    const rates = complete(tier, short, sheet.rates);
    tiers[tier] = { rates };
    if (sheet.long === undefined) continue;
    const above = longRates(published, SUFFIX[tier], scale) ?? shareOf(provider, tier, sheet.long);
    const long =
      above === undefined ? unpublishedLong(tier, short, sheet.rates, sheet.long) : complete(tier, above, sheet.long);
    tiers[tier] = { rates, long: tier === 'priority' ? dearer(long, rates) : long };
  }
  return Object.keys(tiers).length === 0 ? undefined : tiers;
}

type SomeRates = Pick<UsdRates, 'input' | 'output'> & Partial<UsdRates>;

function publishedRates(published: ReadonlyMap<string, number>, suffix: string, scale: number): SomeRates | undefined {
  const rates: Partial<Record<keyof UsdRates, number>> = {};
  for (const [prefix, rate] of Object.entries(PREFIX)) {
    const usd = published.get(`${prefix}${suffix}`);
    if (usd !== undefined) rates[rate] = roundUp(usd * scale);
  }
  const { input, output } = rates;
  return input === undefined || output === undefined ? undefined : { ...rates, input, output };
}

function longRates(published: ReadonlyMap<string, number>, suffix: string, scale: number): SomeRates | undefined {
  const key = [...published.keys()].find(
    (name) => name.startsWith('input_cost_per_token_above_') && name.endsWith(`_${suffix}`),
  );
  return key === undefined ? undefined : publishedRates(published, key.slice('input_cost_per_token'.length), scale);
}

function shareOf(provider: string, tier: 'batch' | 'flex' | 'priority', rates: UsdRates): SomeRates | undefined {
  const share = tier === 'priority' ? undefined : PUBLISHED_SHARE[provider]?.[tier];
  if (share === undefined) return undefined;
  const shared: Partial<Record<keyof UsdRates, number>> = {};
  for (const [rate, usd] of Object.entries(rates) as [keyof UsdRates, number][]) {
    // Anthropic's discount stacks with its cache prices; Google does not say so, and its cache reads stay as they are.
    const stacks = provider === 'anthropic' || !rate.startsWith('cache');
    shared[rate] = stacks ? roundUp(usd * share) : usd;
  }
  return { ...shared, input: shared.input ?? 0, output: shared.output ?? 0 };
}

/** Discounts cost no more than standard; priority costs 1.3 to 3 times as much. Anything else is a slip in the list. */
function plausible(tier: string, rates: SomeRates, standard: UsdRates): boolean {
  const ratios = [rates.input / standard.input, rates.output / standard.output].filter((ratio) => !Number.isNaN(ratio));
  return ratios.every((ratio) => (tier === 'priority' ? ratio >= 1.3 && ratio <= 3 : ratio <= 1));
}

/** Rates that are not published: those of standard, raised in proportion where the tier is dearer. */
function complete(tier: string, some: SomeRates, standard: UsdRates): UsdRates {
  const rates: Partial<Record<keyof UsdRates, number>> = {};
  for (const key of Object.keys(standard) as (keyof UsdRates)[]) {
    const base = standard[key] ?? 0;
    const factor = key.startsWith('output') ? some.output / standard.output : some.input / standard.input;
    const derived =
      tier === 'priority' ? roundUp(base * factor) : key === 'cacheRead' ? Math.min(base, some.input) : base;
    rates[key] = some[key] ?? derived;
  }
  return { ...rates, input: some.input, output: some.output };
}

/** Where a tier has no published long-context rates: those of standard, for priority raised as its other rates are. */
function unpublishedLong(tier: string, short: SomeRates, standard: UsdRates, long: UsdRates): UsdRates {
  if (tier !== 'priority') return long;
  const input = roundUp((long.input * short.input) / standard.input);
  const output = roundUp((long.output * short.output) / standard.output);
  return complete(tier, { input, output }, long);
}

function dearer(a: UsdRates, b: UsdRates): UsdRates {
  const rates: Partial<Record<keyof UsdRates, number>> = {};
  for (const key of Object.keys(a) as (keyof UsdRates)[]) rates[key] = Math.max(a[key] ?? 0, b[key] ?? 0);
  return { ...rates, input: rates.input ?? a.input, output: rates.output ?? a.output };
}

/** To whole pico-dollars per token, upwards; the last digits that binary floating point adds don't count. */
export function roundUp(usdPerMillion: number): number {
  return Math.ceil(usdPerMillion * 1e6 - 1e-4) / 1e6;
}
