/** Where a threshold leads: a checked description, made by `AgentKavach.channel()`. */
import { ConfigError } from '../errors.ts';
import { numberFrom, oneOf, record } from './check.ts';
import { show } from '../show.ts';
import type { KillThreshold } from './policy.ts';

/** Options of a kill channel. */
export interface KillChannelOptions {
  /** The share of the limit at which the agent is stopped, from 0.01 to 1. */
  readonly threshold: number;
  /** Only budgets that count this. Default: all. */
  readonly budgetType?: 'cost' | 'tokens' | 'calls' | undefined;
}

/** What happens when a budget's spend passes a share of its limit. */
export interface Channel extends KillChannelOptions {
  readonly type: 'kill';
}

const threshold = numberFrom(0.01, 1, { example: '0.8' });
const budgetType = oneOf('cost', 'tokens', 'calls');

/**
 * Describes a channel.
 *
 * @throws ConfigError for an unknown type or wrong options
 */
export function makeChannel(type: 'kill', options: KillChannelOptions): Channel {
  if ((type as string) !== 'kill')
    throw new ConfigError(`AgentKavach.channel() knows the type 'kill', got ${show(type)}.`, { path: 'type' });
  const fields = record(options, 'channel', ['threshold', 'budgetType']);
  return Object.freeze({
    type,
    threshold: threshold(fields['threshold'], 'channel.threshold'),
    budgetType: fields['budgetType'] === undefined ? undefined : budgetType(fields['budgetType'], 'channel.budgetType'),
  });
}

/** A channel from the options, checked again since it may be a plain object. */
export function checkChannel(value: unknown, path: string): KillThreshold {
  const { type, ...options } = record(value, path, ['type', 'threshold', 'budgetType']);
  const channel = makeChannel(type as 'kill', options as unknown as KillChannelOptions);
  return { threshold: channel.threshold, budgetType: channel.budgetType };
}
