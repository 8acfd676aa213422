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
  return channelOf(options, 'channel');
}

function channelOf(options: unknown, path: string): Channel {
  const fields = record(options, path, ['threshold', 'budgetType']);
  return Object.freeze({
    type: 'kill',
    threshold: threshold(fields['threshold'], `${path}.threshold`),
    budgetType: fields['budgetType'] === undefined ? undefined : budgetType(fields['budgetType'], `${path}.budgetType`),
  });
}

/** A channel from the options, checked again since it may be a plain object. */
export function checkChannel(value: unknown, path: string): KillThreshold {
  const { type, ...options } = record(value, path, ['type', 'threshold', 'budgetType']);
  if (type !== 'kill')
    throw new ConfigError(`${path}.type must be 'kill', got ${show(type)}.`, { path: `${path}.type` });
  const channel = channelOf(options, path);
  return { threshold: channel.threshold, budgetType: channel.budgetType };
}
