/**
 * The simulator's own price table, written by hand from the providers' price pages and independent of the engine's
 * catalog: it is what the tests hold that catalog against. Amounts are exact; a call is rounded up once.
 */
import type { SimulatedUsage } from './usage.ts';

/** When the table was last checked against the pages named at each provider below. */
export const PRICES_AS_OF = '2026-11-23';

/** US dollars per million tokens, as decimal strings so that they stay exact. */
export interface Rates {
  readonly input: string;
  /** Default: the input rate. */
  readonly cacheRead?: string;
  /** Default: the input rate. */
  readonly cacheWrite?: string;
  /** Default: the rate of `cacheWrite`. */
  readonly cacheWrite1h?: string;
  /** Default 0: embeddings. */
  readonly output?: string;
}

/** A model's price. */
export interface Price extends Rates {
  /** Rates for the whole call once the whole input exceeds `over` tokens. */
  readonly long?: Rates & { readonly over: number };
  /** Rates of other service tiers. */
  readonly tiers?: Readonly<Record<string, Rates>>;
}

export type PriceTable = Readonly<Record<string, Price>>;

const rates = (input: string, cacheRead: string, output: string): Rates => ({ input, cacheRead, output });
const claude = (input: string, write5m: string, write1h: string, read: string, output: string): Rates => ({
  input,
  cacheWrite: write5m,
  cacheWrite1h: write1h,
  cacheRead: read,
  output,
});

export const PRICES: PriceTable = {
  // https://developers.openai.com/api/docs/pricing
  'gpt-4o': { ...rates('2.50', '1.25', '10'), tiers: { priority: rates('4.25', '2.125', '17') } },
  'gpt-4o-mini': { ...rates('0.15', '0.075', '0.60'), tiers: { priority: rates('0.25', '0.125', '1') } },
  'gpt-3.5-turbo-instruct': { input: '1.50', output: '2' },
  'gpt-4.1': { ...rates('2', '0.50', '8'), tiers: { priority: rates('3.50', '0.875', '14') } },
  'gpt-4.1-mini': { ...rates('0.40', '0.10', '1.60'), tiers: { priority: rates('0.70', '0.175', '2.80') } },
  'gpt-4.1-nano': { ...rates('0.10', '0.025', '0.40'), tiers: { priority: rates('0.20', '0.05', '0.80') } },
  'gpt-5': {
    ...rates('1.25', '0.125', '10'),
    tiers: { flex: rates('0.625', '0.0625', '5'), priority: rates('2.50', '0.25', '20') },
  },
  'gpt-5-mini': {
    ...rates('0.25', '0.025', '2'),
    tiers: { flex: rates('0.125', '0.0125', '1'), priority: rates('0.45', '0.045', '3.60') },
  },
  'gpt-5-nano': { ...rates('0.05', '0.005', '0.40'), tiers: { flex: rates('0.025', '0.0025', '0.20') } },
  'gpt-5.1': {
    ...rates('1.25', '0.125', '10'),
    tiers: { flex: rates('0.625', '0.0625', '5'), priority: rates('2.50', '0.25', '20') },
  },
  'gpt-5.4': { ...rates('2.50', '0.25', '15'), long: { over: 272_000, ...rates('5', '0.50', '22.50') } },
  'gpt-5.4-mini': rates('0.75', '0.075', '4.50'),
  // Cache writes are billed from this family on.
  'gpt-5.6-sol': {
    ...rates('4', '0.40', '20'),
    cacheWrite: '5',
    long: { over: 272_000, ...rates('8', '0.80', '30'), cacheWrite: '10' },
  },
  o1: rates('15', '7.50', '60'),
  o3: {
    ...rates('2', '0.50', '8'),
    tiers: { flex: rates('1', '0.25', '4'), priority: rates('3.50', '0.875', '14') },
  },
  'o3-mini': rates('1.10', '0.55', '4.40'),
  'o4-mini': {
    ...rates('1.10', '0.275', '4.40'),
    tiers: { flex: rates('0.55', '0.138', '2.20'), priority: rates('2', '0.50', '8') },
  },
  'text-embedding-3-small': { input: '0.02' },
  'text-embedding-3-large': { input: '0.13' },
  'gpt-image-1': rates('5', '1.25', '40'),
  'gpt-image-1-mini': rates('2', '0.20', '8'),

  // https://platform.claude.com/docs/en/about-claude/pricing
  'claude-opus-5': claude('5', '6.25', '10', '0.50', '25'),
  'claude-opus-4-5': claude('5', '6.25', '10', '0.50', '25'),
  'claude-opus-4-1': claude('15', '18.75', '30', '1.50', '75'),
  'claude-sonnet-5': claude('2', '2.50', '4', '0.20', '10'),
  'claude-sonnet-4-6': claude('3', '3.75', '6', '0.30', '15'),
  'claude-sonnet-4-5': {
    ...claude('3', '3.75', '6', '0.30', '15'),
    long: { over: 200_000, ...claude('6', '7.50', '12', '0.60', '22.50') },
  },
  'claude-haiku-4-5': claude('1', '1.25', '2', '0.10', '5'),

  // https://ai.google.dev/gemini-api/docs/pricing
  'gemini-3-pro-preview': { ...rates('2', '0.20', '12'), long: { over: 200_000, ...rates('4', '0.40', '18') } },
  'gemini-3-flash-preview': rates('0.50', '0.05', '3'),
  'gemini-2.5-pro': { ...rates('1.25', '0.125', '10'), long: { over: 200_000, ...rates('2.50', '0.25', '15') } },
  'gemini-2.5-flash': rates('0.30', '0.03', '2.50'),
  'gemini-2.5-flash-lite': rates('0.10', '0.01', '0.40'),
  'gemini-2.0-flash': rates('0.10', '0.025', '0.40'),
  'gemini-2.0-flash-lite': { input: '0.075', output: '0.30' },
  'gemini-embedding-001': { input: '0.15' },

  // https://mistral.ai/pricing; what is read from the cache costs a tenth of the input:
  // https://docs.mistral.ai/studio-api/conversations/advanced/prompt-caching
  'mistral-large-latest': rates('0.50', '0.05', '1.50'),
  'mistral-medium-latest': rates('1.50', '0.15', '7.50'),
  'mistral-small-latest': rates('0.15', '0.015', '0.60'),
  'magistral-medium-latest': rates('2', '0.2', '5'),
  'codestral-latest': rates('0.30', '0.03', '0.90'),
  'mistral-embed': { input: '0.10' },
};

/** The price of a model id: as it stands, else without its date (`gpt-4o-2024-08-06`, `claude-sonnet-4-5-20250929`). */
export function findPrice(table: PriceTable, model: string): Price | undefined {
  const exact = Object.hasOwn(table, model) ? table[model] : undefined;
  if (exact) return exact;
  const undated = model.replace(/-(\d{4}-\d{2}-\d{2}|\d{8})$/, '');
  return Object.hasOwn(table, undated) ? table[undated] : undefined;
}

/** Dollars per million tokens as picodollars per token: 1 USD / 1,000,000 = 1,000,000 pico. */
export function picoPerToken(rate: string): bigint {
  const match = /^(\d+)(?:\.(\d{1,6}))?$/.exec(rate);
  if (!match) throw new TypeError(`A price must be dollars per million tokens with at most 6 decimals, got "${rate}".`);
  return BigInt(match[1] ?? '0') * 1_000_000n + BigInt((match[2] ?? '').padEnd(6, '0'));
}

/** The exact cost of a call in nano-dollars, summed in picodollars and rounded up once. */
export function costNano(price: Price, usage: SimulatedUsage, serviceTier?: string): number {
  const tier = serviceTier === undefined ? undefined : price.tiers?.[serviceTier];
  const long = price.long && usage.inputTokens > price.long.over ? price.long : undefined;
  const rate = tier ?? long ?? price;
  const write = rate.cacheWrite ?? rate.input;
  const parts: [tokens: number, rate: string][] = [
    [usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens, rate.input],
    [usage.cacheReadTokens, rate.cacheRead ?? rate.input],
    [usage.cacheWriteTokens - usage.cacheWrite1hTokens, write],
    [usage.cacheWrite1hTokens, rate.cacheWrite1h ?? write],
    [usage.outputTokens, rate.output ?? '0'],
  ];
  let pico = 0n;
  for (const [tokens, dollars] of parts) pico += BigInt(tokens) * picoPerToken(dollars);
  return Number((pico + 999n) / 1000n);
}
