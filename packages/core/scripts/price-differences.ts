/** Compares our catalog with `ai-sdk-cost-calculator`, model by model and field by field. */
import { allPricing } from 'ai-sdk-cost-calculator';
import { COMPARED_AT, REVIEWED_DIFFERENCES, type ReviewedDifference } from '../prices/reviewed-differences.ts';
import { findPrice, type Price } from '../src/pricing/price.ts';

export type Difference = Omit<ReviewedDifference, 'reason'>;

type Theirs = (typeof allPricing)[string][string];

/** Pico-dollars per token as USD per million. */
const usd = (pico: number) => pico / 1e6;
/** Pico-dollars per call as USD per 1,000. */
const per1k = (pico: number | undefined) => (pico ?? 0) / 1e9;

const FIELDS: readonly {
  readonly name: string;
  readonly theirs: (t: Theirs) => number | undefined;
  readonly ours: (p: Price) => number;
}[] = [
  { name: 'input', theirs: (t) => t.inputPer1MTokens, ours: (p) => usd(p.sheet.short.input) },
  // Image models: they state one rate for images only.
  {
    name: 'output',
    theirs: (t) => (t.imageOutputPer1MTokens !== undefined ? undefined : t.outputPer1MTokens),
    ours: (p) => usd(p.sheet.short.output),
  },
  { name: 'outputImage', theirs: (t) => t.imageOutputPer1MTokens, ours: (p) => usd(p.sheet.short.outputImage) },
  { name: 'cacheRead', theirs: (t) => t.cacheReadPer1MTokens, ours: (p) => usd(p.sheet.short.cacheRead) },
  { name: 'cacheWrite', theirs: (t) => t.cacheWritePer1MTokens, ours: (p) => usd(p.sheet.short.cacheWrite) },
  { name: 'reasoning', theirs: (t) => t.reasoningPer1MTokens, ours: (p) => usd(p.sheet.short.reasoning) },
  {
    name: 'inputAudio',
    theirs: (t) => t.audioInputPer1MTokens,
    ours: (p) => usd(p.sheet.short.input + p.sheet.short.audioExtra),
  },
  {
    name: 'inputImage',
    theirs: (t) => t.imageInputPer1MTokens,
    ours: (p) => usd(p.sheet.short.input + p.sheet.short.imageExtra),
  },
  { name: 'outputAudio', theirs: (t) => t.audioOutputPer1MTokens, ours: (p) => usd(p.sheet.short.outputAudio) },
  {
    name: 'above',
    theirs: (t) => t.longContextThreshold,
    ours: (p) => (p.sheet.above === Infinity ? 0 : p.sheet.above),
  },
  { name: 'long.input', theirs: (t) => t.longContextInputPer1MTokens, ours: (p) => usd(p.sheet.long.input) },
  { name: 'long.output', theirs: (t) => t.longContextOutputPer1MTokens, ours: (p) => usd(p.sheet.long.output) },
  {
    name: 'long.cacheRead',
    theirs: (t) => t.longContextCacheReadPer1MTokens,
    ours: (p) => usd(p.sheet.long.cacheRead),
  },
  {
    name: 'long.cacheWrite',
    theirs: (t) => t.longContextCacheWritePer1MTokens,
    ours: (p) => usd(p.sheet.long.cacheWrite),
  },
  { name: 'web_search', theirs: (t) => t.webSearchPer1kRequests, ours: (p) => per1k(p.fees['web_search']) },
  { name: 'google_maps', theirs: (t) => t.googleMapsPer1kRequests, ours: (p) => per1k(p.fees['google_maps']) },
  {
    name: 'perImage',
    theirs: (t) =>
      t.inputPer1MTokens === 0 && t.imageGenerationPricing
        ? Math.max(...Object.values(t.imageGenerationPricing))
        : undefined,
    ours: (p) => p.perImage / 1e12,
  },
];

/** How many models both know, and where they differ. */
export function compareSources(): { readonly compared: number; readonly differences: readonly Difference[] } {
  const at = Date.parse(COMPARED_AT);
  const differences: Difference[] = [];
  let compared = 0;
  for (const provider of ['openai', 'anthropic', 'google', 'mistral']) {
    for (const [id, theirs] of Object.entries(allPricing[provider] ?? {})) {
      const price = findPrice(provider, id, at);
      if (price === undefined) continue;
      compared += 1;
      for (const field of FIELDS) {
        const expected = field.theirs(theirs);
        if (expected === undefined) continue;
        const ours = round(field.ours(price));
        if (ours !== round(expected))
          differences.push({ model: `${provider}/${id}`, field: field.name, ours, theirs: round(expected) });
      }
    }
  }
  return { compared, differences };
}

/** What the review list lacks, and what it lists in vain. */
export function reviewDifferences(
  differences: readonly Difference[],
  reviewed: readonly ReviewedDifference[] = REVIEWED_DIFFERENCES,
): { readonly unreviewed: readonly Difference[]; readonly stale: readonly ReviewedDifference[] } {
  const key = (d: Difference) => `${d.model} ${d.field} ${d.ours} ${d.theirs}`;
  const found = new Set(differences.map(key));
  const listed = new Set(reviewed.map(key));
  return {
    unreviewed: differences.filter((d) => !listed.has(key(d))),
    stale: reviewed.filter((d) => !found.has(key(d))),
  };
}

/** Differences as a table for a person. */
export function table(differences: readonly Difference[]): string {
  const rows = [
    ['model', 'field', 'ours', 'theirs'],
    ...differences.map((d) => [d.model, d.field, String(d.ours), String(d.theirs)]),
  ];
  const widths = [0, 1, 2, 3].map((i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Both sides to a billionth of a dollar: decimals survive a division by a power of ten only so. */
function round(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}
