/** What a plugin is made of: a guard or the options of one, and how the plugin behaves. */
import { AgentKavach, ConfigError, type KavachOptions } from '@agentkavach/core';
import { kavach as middleware, type KavachSettings } from '@agentkavach/vercel-ai';

/** How the plugin behaves, besides its guard's options. */
export interface MastraSettings extends KavachSettings {
  /**
   * Guard every agent of the process, also those that belong to no registered Mastra instance and run outside of one.
   * Where several strict plugins are registered, such agents are charged to the last. Default false: a warning, once for
   * each such agent.
   */
  readonly strict?: boolean | undefined;
}

/** A guard, its options, or nothing for the environment's options and defaults. */
export type GuardOrOptions = AgentKavach | (KavachOptions & MastraSettings);

/** The parts of a plugin's arguments. */
export interface Parts {
  readonly guard: AgentKavach;
  readonly strict: boolean;
  readonly models: KavachSettings;
}

/** @throws ConfigError for wrong options or settings */
export function partsOf(guardOrOptions: GuardOrOptions | undefined, settings: MastraSettings): Parts {
  const { strict, onKillStream, ...options } = AgentKavach.isInstance(guardOrOptions)
    ? settings
    : { ...settings, ...guardOrOptions };
  if (strict !== undefined && typeof strict !== 'boolean')
    throw new ConfigError(`strict must be true or false, got ${JSON.stringify(strict)}.`, { path: 'strict' });
  if (!AgentKavach.isInstance(guardOrOptions)) {
    const guard = new AgentKavach(guardOrOptions === undefined || isObject(guardOrOptions) ? options : guardOrOptions);
    return { guard, strict: strict ?? false, models: checked(guard, { onKillStream }) };
  }
  return {
    guard: guardOrOptions,
    strict: strict ?? false,
    models: checked(guardOrOptions, { onKillStream, ...options }),
  };
}

/** The AI SDK adapter knows its own settings. */
function checked(guard: AgentKavach, settings: KavachSettings): KavachSettings {
  middleware(guard, settings);
  return settings;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
