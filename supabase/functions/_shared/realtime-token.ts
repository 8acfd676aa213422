/** Tokens that let a process listen on its organisation's control channel, and do nothing else. */
import { importJWK, SignJWT } from 'jose';
import type { Settings } from './dependencies.ts';

/** Realtime asks for rights at the join and at each new token only, so a revoked key must lose them soon. */
const LIFETIME_SECONDS = 600;

/**
 * A token of ten minutes for one organisation's control topic. It has neither a user nor scopes, so it reads no table.
 *
 * @param what `now` in milliseconds since the epoch
 * @returns the token, and when it expires in milliseconds since the epoch
 * @throws Error where the settings have neither a signing key nor a secret
 */
export async function signRealtimeToken(
  settings: Settings,
  what: { readonly organisation: string; readonly now: number },
): Promise<{ readonly token: string; readonly expiresAt: number }> {
  const issued = Math.floor(what.now / 1000);
  const expires = issued + LIFETIME_SECONDS;
  const claims = { role: 'authenticated', kavach_org: what.organisation, kavach_topics: ['control'] };
  const unsigned = new SignJWT(claims).setIssuedAt(issued).setExpirationTime(expires);
  return { token: await sign(unsigned, settings), expiresAt: expires * 1000 };
}

async function sign(unsigned: SignJWT, { signingKey, jwtSecret }: Settings): Promise<string> {
  if (signingKey !== undefined) {
    const header = { alg: 'ES256', typ: 'JWT', kid: signingKey.kid };
    return unsigned.setProtectedHeader(header).sign(await importJWK(signingKey, 'ES256'));
  }
  if (jwtSecret === undefined) {
    throw new Error('Set KAVACH_SIGNING_KEY or KAVACH_JWT_SECRET: Realtime tokens can’t be signed without.');
  }
  return unsigned.setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(new TextEncoder().encode(jwtSecret));
}
