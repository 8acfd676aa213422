/** What a guard is made of: the options of the code, else those of the environment, checked. */
import { ConfigError } from '../errors.ts';
import { naming, variableOf, withEnvironment, type Environment } from './env.ts';
import { checkOptions, type KavachOptions } from './options.ts';
import type { Policy } from './policy.ts';

/**
 * The checked options of a guard.
 *
 * @throws ConfigError naming the option that is wrong, or the variable that gave it, and what to write instead
 */
export function readOptions(options: KavachOptions, environment: Environment = processEnvironment()): Policy {
  const merged = withEnvironment(options, environment);
  try {
    return checkOptions(merged);
  } catch (error) {
    const variable = ConfigError.isInstance(error) ? variableBehind(error.path, options, environment) : undefined;
    throw variable === undefined ? error : naming(variable, error as ConfigError);
  }
}

/** The variable that gave what stands at a path; `undefined` where the code did. */
function variableBehind(
  path: string | undefined,
  options: KavachOptions,
  environment: Environment,
): string | undefined {
  const [, room, key] = /^(guardrails\.)?(\w+)/.exec(path ?? '') ?? [];
  if (key === undefined) return undefined;
  const given: unknown = Reflect.get(room === undefined ? options : (options.guardrails ?? {}), key);
  const variable = variableOf(key);
  return given === undefined && (environment[variable] ?? '') !== '' ? variable : undefined;
}

function processEnvironment(): Environment {
  return (globalThis as { process?: { env?: Environment } }).process?.env ?? {};
}
