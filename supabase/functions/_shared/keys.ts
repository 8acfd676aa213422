/**
 * API keys: `ak_prod_` or `ak_dev_`, 38 random letters and digits, and a checksum of all that, so that a mistyped key is
 * refused without asking the database. What is stored of a key is its hash and its first characters.
 */

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_CHARACTERS = 38;
const CHECKSUM_CHARACTERS = 6;
const SHAPE = /^ak_(?:prod|dev)_[A-Za-z0-9]{44}$/;
const PREFIX_CHARACTERS = 12;

/** What a key is for: an environment's name stands in the key. */
export type KeyEnvironment = 'prod' | 'dev';

/**
 * A new key, with 226 random bits.
 *
 * @param random fills the array with random bytes; for tests
 */
export function makeKey(
  environment: KeyEnvironment,
  random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => crypto.getRandomValues(bytes),
): string {
  let key = `ak_${environment}_`;
  const length = key.length + RANDOM_CHARACTERS;
  while (key.length < length) {
    for (const byte of random(new Uint8Array(64))) {
      // 248 is the largest multiple of 62 in a byte: a remainder of more would make some letters likelier.
      if (byte < 248 && key.length < length) key += ALPHABET.charAt(byte % 62);
    }
  }
  return key + checksum(key);
}

/** Whether a text has a key's shape and its checksum is right. Says nothing about whether the key exists. */
export function checkKey(text: string): boolean {
  if (!SHAPE.test(text)) return false;
  return checksum(text.slice(0, -CHECKSUM_CHARACTERS)) === text.slice(-CHECKSUM_CHARACTERS);
}

/** SHA-256 of a key: what the database knows it by. A key is random enough to need no salt. */
export async function hashKey(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** A key's first characters, to show which one it is: `ak_prod_Ab3x`. */
export function prefixOf(text: string): string {
  return text.slice(0, PREFIX_CHARACTERS);
}

/** CRC-32 in base 62. */
function checksum(text: string): string {
  let rest = crc32(new TextEncoder().encode(text));
  let digits = '';
  for (let i = 0; i < CHECKSUM_CHARACTERS; i += 1) {
    digits = ALPHABET.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** CRC-32 as in zip and PNG (ISO 3309), reflected, polynomial 0xEDB88320. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return (crc ^ 0xffffffff) >>> 0;
}
