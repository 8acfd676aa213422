/** What happens to the model once a share of a budget is spent: the `onThreshold` option. */
import { ConfigError } from '../errors.ts';
import { show } from '../show.ts';
import { numberFrom, record, text } from './check.ts';
import type { ModelSwitch } from './policy.ts';

/** What a call is sent to instead. */
export interface ThresholdAction {
  /** The model id that is asked instead, of the same provider. */
  readonly model: string;
}

const share = numberFrom(0.01, 1, { example: '0.8' });
const model = text(500, `'gpt-4o-mini'`);

/**
 * The switches, the highest threshold first.
 *
 * @throws ConfigError naming the threshold or field that is wrong
 */
export function checkOnThreshold(value: unknown): readonly ModelSwitch[] {
  if (value === undefined) return [];
  const fields = record(value, 'onThreshold', undefined);
  return Object.entries(fields)
    .map(([key, action]): ModelSwitch => {
      const path = `onThreshold[${key}]`;
      const threshold = key.trim() === '' ? Number.NaN : Number(key);
      if (Number.isNaN(threshold))
        throw new ConfigError(
          `onThreshold takes shares of a limit as keys, such as { 0.8: { model: 'gpt-4o-mini' } }, got ${show(key)}.`,
          { path: 'onThreshold' },
        );
      return {
        threshold: share(threshold, path),
        model: model(record(action, path, ['model'])['model'], `${path}.model`),
      };
    })
    .sort((a, b) => b.threshold - a.threshold);
}
