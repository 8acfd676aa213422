/**
 * Prices in the form that the arithmetic wants: integer pico-dollars (1e-12 USD) per token, with the bounds that the
 * hot path needs worked out beforehand.
 */
import type { UsdRates, UsdSheet } from './catalog-row.ts';

/** Pico-dollars in one nano-dollar. */
export const PICO_PER_NANO = 1_000;

/** Sums below this are exact in a JavaScript number, with room to spare for the last addition. */
export const EXACT = 2 ** 52;

/**
 * The most tokens that one field can count. No request comes near it; a larger number is a fault of the report and
 * is cut to this, so that it stays dear but finite.
 */
export const MAX_TOKENS = 1_000_000_000;

/** Integer pico-dollars per token. Audio and image input are what comes on top of the token's own cell. */
export interface Rates {
  readonly input: number;
  readonly cacheRead: number;
  /** Any lifetime up to five minutes. */
  readonly cacheWrite: number;
  readonly cacheWrite1h: number;
  /** On top of the text rate, for audio that was not read from the cache. */
  readonly audioExtra: number;
  /** On top of the cache-read rate, for audio that was. */
  readonly cacheReadAudioExtra: number;
  /** On top of the text rate, for images. */
  readonly imageExtra: number;
  readonly output: number;
  readonly reasoning: number;
  readonly outputAudio: number;
  readonly outputImage: number;
  /** The most that one input token can cost when the request writes nothing to the cache. */
  readonly worstInput: number;
  /** The same when it may write with a lifetime of five minutes. */
  readonly worstInput5m: number;
  /** The same when it may write with any lifetime. */
  readonly worstInput1h: number;
  /** The same three for a token of text. */
  readonly worstText: number;
  readonly worstText5m: number;
  readonly worstText1h: number;
  /** The most that one output token can cost. */
  readonly worstOutput: number;
}

/** Rates by the length of the request. Long ones are never below short ones: the catalog's compiler sees to that. */
export interface Sheet {
  /** A request with more input tokens than this pays `long`; Infinity where length does not matter. */
  readonly above: number;
  readonly short: Rates;
  readonly long: Rates;
}

/**
 * USD per million tokens as pico-dollars per token. Published rates are whole pico-dollars; a finer one is rounded
 * up, never down. The tolerance only absorbs what binary floating point adds to decimals such as 1.1.
 */
export function picoRate(usdPerMillion: number): number {
  const pico = usdPerMillion * 1e6;
  const nearest = Math.round(pico);
  return Math.abs(pico - nearest) <= nearest * 1e-12 ? nearest : Math.ceil(pico);
}

/** Published rates as pico-dollars, with the rules for what is not published, times a factor of `tenths` / 10. */
export function compileRates(usd: UsdRates, tenths = 10): Rates {
  const pico = (value: number) => (tenths === 10 ? picoRate(value) : Math.ceil((picoRate(value) * tenths) / 10));
  const input = pico(usd.input);
  const cacheRead = pico(usd.cacheRead ?? usd.input);
  const cacheWrite = pico(usd.cacheWrite ?? usd.input);
  const output = pico(usd.output);
  return boundRates({
    input,
    cacheRead,
    cacheWrite,
    cacheWrite1h: Math.max(pico(usd.cacheWrite1h ?? 0), cacheWrite),
    // Never negative: a sum of cells and extras can then only grow with each part.
    audioExtra: Math.max(0, pico(usd.inputAudio ?? 0) - input),
    cacheReadAudioExtra: Math.max(0, pico(usd.cacheReadAudio ?? usd.inputAudio ?? 0) - cacheRead),
    imageExtra: Math.max(0, pico(usd.inputImage ?? 0) - input),
    output,
    reasoning: pico(usd.reasoning ?? usd.output),
    outputAudio: pico(usd.outputAudio ?? usd.output),
    outputImage: pico(usd.outputImage ?? usd.output),
  });
}

/** A published sheet as pico-dollars. */
export function compileSheet(usd: UsdSheet, tenths = 10): Sheet {
  const short = compileRates(usd.rates, tenths);
  const long = usd.long === undefined ? short : compileRates(usd.long, tenths);
  return { above: usd.above ?? Infinity, short, long };
}

/** For each rate the dearer of two sheets. */
export function dearerSheet(a: Sheet, b: Sheet): Sheet {
  const above = Math.min(a.above, b.above);
  return { above, short: dearerRates(a.short, b.short), long: dearerRates(a.long, b.long) };
}

/** For each rate the dearer of two. */
function dearerRates(a: Rates, b: Rates): Rates {
  if (a === b) return a;
  const dearer = {} as Record<keyof Rates, number>;
  for (const key of Object.keys(a) as (keyof Rates)[]) dearer[key] = Math.max(a[key], b[key]);
  return dearer;
}

type Cells = Omit<Rates, `worst${string}`>;

function boundRates(cells: Cells): Rates {
  // A token sits in one cell (uncached, read, written) and has at most one extra (audio, read audio, image).
  const extra = Math.max(cells.audioExtra, cells.cacheReadAudioExtra, cells.imageExtra);
  const worstText = Math.max(cells.input, cells.cacheRead);
  const worstText5m = Math.max(worstText, cells.cacheWrite);
  const worstText1h = Math.max(worstText, cells.cacheWrite1h);
  return {
    ...cells,
    worstInput: worstText + extra,
    worstInput5m: worstText5m + extra,
    worstInput1h: worstText1h + extra,
    worstText,
    worstText5m,
    worstText1h,
    worstOutput: Math.max(cells.output, cells.reasoning, cells.outputAudio, cells.outputImage),
  };
}
