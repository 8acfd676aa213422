/** Prices that a user gives: for fine-tuned, private and local models, and where the catalog is wrong. */
import { show } from '../show.ts';
import { ConfigError } from '../errors.ts';
import type { UsdRates } from './catalog-row.ts';
import { compilePrice, type Price } from './price-record.ts';

/** A price in USD per million tokens. */
export interface CustomPrice {
  /** 0 says that input is free, as with a local model. */
  readonly inputPerMillion: number;
  /** 0 says that output is free; for embeddings, which have none. */
  readonly outputPerMillion: number;
  /** Default: the input rate. */
  readonly cacheReadPerMillion?: number | undefined;
  /** Default: the input rate. */
  readonly cacheWritePerMillion?: number | undefined;
  /** For cache writes with a lifetime of an hour. Default: the cache-write rate. */
  readonly cacheWrite1hPerMillion?: number | undefined;
  /** Default: the output rate. */
  readonly reasoningPerMillion?: number | undefined;
  /** Default: the input rate. */
  readonly inputAudioPerMillion?: number | undefined;
  /** Default: the input rate. */
  readonly inputImagePerMillion?: number | undefined;
  /** Default: the output rate. */
  readonly outputAudioPerMillion?: number | undefined;
  /** Default: the output rate. */
  readonly outputImagePerMillion?: number | undefined;
  /** USD for one generated image, for models that are priced by the image. */
  readonly perImage?: number | undefined;
  /** The model's context window in tokens. */
  readonly maxInputTokens?: number | undefined;
  /** The longest answer in tokens; sets the worst case of calls without a cap. */
  readonly maxOutputTokens?: number | undefined;
}

const RATES: Readonly<Record<string, keyof UsdRates>> = {
  inputPerMillion: 'input',
  outputPerMillion: 'output',
  cacheReadPerMillion: 'cacheRead',
  cacheWritePerMillion: 'cacheWrite',
  cacheWrite1hPerMillion: 'cacheWrite1h',
  reasoningPerMillion: 'reasoning',
  inputAudioPerMillion: 'inputAudio',
  inputImagePerMillion: 'inputImage',
  outputAudioPerMillion: 'outputAudio',
  outputImagePerMillion: 'outputImage',
};
const LIMITS = ['maxInputTokens', 'maxOutputTokens'] as const;
const FIELDS = [...Object.keys(RATES), 'perImage', ...LIMITS];

/** Above this a rate is a slip of units: a price per token, or cents. */
const MAX_USD_PER_MILLION = 100_000;
const MAX_USD_PER_IMAGE = 1_000;

/**
 * A user's price, checked.
 *
 * @param path where it stands, for the error: `prices.my-finetune`
 * @throws ConfigError naming the field and what to write instead
 * @example customPrice({ inputPerMillion: 3, outputPerMillion: 12 }, 'prices.my-finetune')
 */
export function customPrice(spec: CustomPrice, path: string, provider = 'custom', model = path): Price {
  const given: unknown = spec;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigError(
      `${path} must be a price such as { inputPerMillion: 3, outputPerMillion: 12 }, got ${show(given)}.`,
      { path },
    );
  }
  const fields = new Map<string, unknown>(Object.entries(given).filter(([, value]) => value !== undefined));
  for (const field of fields.keys()) {
    if (!FIELDS.includes(field)) {
      throw new ConfigError(`${path}.${field} is not a field of a price. Write one of: ${FIELDS.join(', ')}.`, {
        path: `${path}.${field}`,
      });
    }
  }
  const rates: Partial<Record<keyof UsdRates, number>> = {};
  for (const [field, rate] of Object.entries(RATES)) {
    const usd = usdOf(fields.get(field), `${path}.${field}`, 'per million tokens', MAX_USD_PER_MILLION);
    if (usd !== undefined) rates[rate] = usd;
  }
  const { input, output } = rates;
  if (input === undefined) throw missing(`${path}.inputPerMillion`);
  if (output === undefined) throw missing(`${path}.outputPerMillion`);
  const perImage = usdOf(fields.get('perImage'), `${path}.perImage`, 'per image', MAX_USD_PER_IMAGE);
  const maxInput = limitOf(fields.get('maxInputTokens'), `${path}.maxInputTokens`);
  const maxOutput = limitOf(fields.get('maxOutputTokens'), `${path}.maxOutputTokens`);
  return compilePrice(
    {
      provider,
      ids: [model],
      ...(perImage !== undefined ? { kind: 'image', perImage } : {}),
      ...(maxInput !== undefined ? { maxInput } : {}),
      ...(maxOutput !== undefined ? { maxOutput } : {}),
      prices: [],
    },
    { rates: { ...rates, input, output } },
    model,
  );
}

function usdOf(value: unknown, path: string, unit: string, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new ConfigError(`${path} must be US dollars ${unit}, 0 or more, got ${show(value)}. Write for example 2.5.`, {
      path,
    });
  }
  if (value > most) {
    throw new ConfigError(
      `${path} is ${show(value)} US dollars ${unit}, which nothing costs (at most ${most}). Check the unit: dollars ${unit}.`,
      { path },
    );
  }
  return value;
}

function limitOf(value: unknown, path: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
    throw new ConfigError(
      `${path} must be a whole number of tokens, at least 1, got ${show(value)}. Write for example 128000.`,
      { path },
    );
  }
  return value;
}

function missing(path: string): ConfigError {
  return new ConfigError(`${path} is missing. Write the price in US dollars per million tokens; 0 if it is free.`, {
    path,
  });
}
