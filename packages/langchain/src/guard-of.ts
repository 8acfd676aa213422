/** What every function of this package takes for a guard. */
import { AgentKavach, ConfigError, type KavachOptions } from '@agentkavach/core';

/** What a guard is made of: a guard to share, the options of a new one, or nothing: `AGENTKAVACH_*` variables and defaults. */
export type GuardOrOptions = AgentKavach | KavachOptions;

/** @throws ConfigError for anything else: a mistake must not end in a guard with the default budget */
export function guardOf(guardOrOptions: GuardOrOptions | undefined): AgentKavach {
  if (AgentKavach.isInstance(guardOrOptions)) return guardOrOptions;
  if (guardOrOptions !== undefined && !isPlain(guardOrOptions)) {
    throw new ConfigError(
      `Expected a guard (new AgentKavach({ … })), the options of one ({ budget: Budget.daily(5) }), or nothing, got ${described(guardOrOptions)}.`,
      { path: 'guard' },
    );
  }
  return new AgentKavach(guardOrOptions);
}

/** Whether a value is an object literal, of whatever realm. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A value in an error's words. */
export function described(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object of another class' : `a ${typeof value}`;
}
