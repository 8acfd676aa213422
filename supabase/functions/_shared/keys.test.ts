import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkKey, hashKey, makeKey, prefixOf } from './keys.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const environment = fc.constantFrom('prod' as const, 'dev' as const);

describe('API keys', () => {
  it('have the shape that the SDK takes, and a checksum that holds', () => {
    fc.assert(
      fc.property(environment, (env) => {
        const key = makeKey(env);
        expect(key).toMatch(/^ak_(?:prod|dev)_[A-Za-z0-9]{32,64}$/);
        expect(key).toHaveLength(`ak_${env}_`.length + 44);
        expect(checkKey(key)).toBe(true);
      }),
    );
  });

  it('end in the CRC-32 of what precedes, in base 62', () => {
    const key = makeKey('dev');
    const digits = [...key.slice(-6)].map((digit) => BASE62.indexOf(digit));
    expect(digits.reduce((sum, digit) => sum * 62 + digit, 0)).toBe(crc32(key.slice(0, -6)));
  });

  it('are refused after any change of one character', () => {
    const key = makeKey('prod');
    fc.assert(
      fc.property(fc.nat(key.length - 1), fc.constantFrom(...BASE62.split('')), (at, letter) => {
        const changed = key.slice(0, at) + letter + key.slice(at + 1);
        expect(checkKey(changed)).toBe(changed === key);
      }),
    );
  });

  it.each([
    '',
    'ak_prod_',
    `ak_test_${'a'.repeat(44)}`,
    `ak_prod_${'é'.repeat(44)}`,
    `${makeKey('dev')}\n`,
    ` ${makeKey('dev')}`,
  ])('are nothing else: %j', (text) => {
    expect(checkKey(text)).toBe(false);
  });

  it('are drawn evenly from all letters: bytes that would favour some are left out', () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => 255 - i);
    const key = makeKey('dev', () => bytes);
    // 255 to 248 are left out; 247 is the first that counts.
    expect(key.slice(7, 10)).toBe(BASE62.charAt(247 % 62) + BASE62.charAt(246 % 62) + BASE62.charAt(245 % 62));
  });

  it('are known by their SHA-256 and their first characters', async () => {
    const key = makeKey('prod');
    expect(Buffer.from(await hashKey(key)).toString('hex')).toBe(createHash('sha256').update(key).digest('hex'));
    expect(prefixOf(key)).toBe(key.slice(0, 12));
  });
});
