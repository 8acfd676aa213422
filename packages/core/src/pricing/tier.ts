/** Service tiers: what providers call them, and which price each one means. */

/** The tiers that have a price of their own. `unknown` is a name we have not heard of. */
export type Tier = 'standard' | 'batch' | 'flex' | 'priority' | 'fast' | 'us' | 'unknown';

// A Map: a name from outside must not find what every object inherits.
const TIERS: ReadonlyMap<string, Tier> = new Map([
  ['', 'standard'],
  ['default', 'standard'],
  ['standard', 'standard'],
  ['standard_only', 'standard'],
  ['on_demand', 'standard'],
  ['unspecified', 'standard'],
  // OpenAI's scale tier and Google's provisioned throughput are paid for beforehand; a call is never dearer.
  ['scale', 'standard'],
  ['provisioned_throughput', 'standard'],
  ['batch', 'batch'],
  ['flex', 'flex'],
  ['on_demand_flex', 'flex'],
  ['priority', 'priority'],
  ['on_demand_priority', 'priority'],
  ['fast', 'fast'],
  ['us', 'us'],
]);

/**
 * The tier that a provider's name means. `auto` lets the provider choose, so when it is asked for, the dearest
 * tier is possible; in an answer it tells nothing. Both make it `unknown`.
 */
export function tierOf(name: string): Tier {
  return TIERS.get(name) ?? TIERS.get(name.toLowerCase().replace(/^service_tier_/, '')) ?? 'unknown';
}
