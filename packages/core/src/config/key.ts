/** What an API key decides. Only its shape is known here; whether it is valid is for the backend to say. */
import { ConfigError } from '../errors.ts';

/** `ak_prod_` or `ak_dev_` and 32 to 64 letters or digits. */
const SHAPE = /^ak_(?:prod|dev)_[A-Za-z0-9]{32,64}$/;

/** `local`: no key. `keyed`: a key of the right shape. `passthrough`: the guard is off. */
export type KeyState = 'local' | 'keyed' | 'passthrough';

/**
 * @throws ConfigError for a malformed key under `throw`
 */
export function readKey(key: unknown, onInvalidKey: 'passthrough' | 'throw' | 'enforce', agentName: string): KeyState {
  if (key === undefined) return 'local';
  if (typeof key === 'string' && SHAPE.test(key)) return 'keyed';
  const what =
    key === ''
      ? 'The API key is empty'
      : 'The API key is malformed: it must be ak_prod_ or ak_dev_ and 32 to 64 letters or digits';
  if (onInvalidKey === 'throw')
    throw new ConfigError(
      `apiKey: ${what}. Copy it again from where it was shown (npx agentkavach keys create makes another), or leave it out to enforce limits locally.`,
      { path: 'apiKey' },
    );
  if (onInvalidKey === 'enforce') {
    console.warn(`[agentkavach] agent ${agentName}: ${what}. Limits are enforced in this process.`);
    return 'local';
  }
  console.warn(
    `[agentkavach] agent ${agentName}: ${what}. THE GUARD IS OFF: calls go to the provider without any limit. Fix the key, or set onInvalidKey: 'enforce' or 'throw'.`,
  );
  return 'passthrough';
}
