/** Whether a client that was made for the guard took the guard's transport: one that did not would spend unseen. */
import { ConfigError } from '../errors.ts';

/**
 * Checks a client that was made from a given one's class.
 *
 * @param isTaken whether its requests go through the guard
 * @throws ConfigError where they don't
 */
export function checkTaken(client: object, isTaken: boolean): void {
  if (isTaken) return;
  const { name } = client.constructor;
  throw new ConfigError(
    `guard.wrap(): a new ${name} keeps to its own fetch, so that the guard would not see its requests. Let the constructor of ${name} take the SDK's options and hand them to super(), or wrap a client of the SDK's own class. For a client that brings its own transport (an X.509 identity) use guard.call().`,
    { path: 'client' },
  );
}
