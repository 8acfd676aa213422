import { decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { signRealtimeToken } from './realtime-token.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0, 500);
const ORGANISATION = 'c0ffee00-0000-4000-8000-000000000001';
const SECRET = 'a-secret-of-more-than-thirty-two-characters';
const settings = { supabaseUrl: 'https://project.example', anonKey: 'anon' };

const CLAIMS = {
  role: 'authenticated',
  kavach_org: ORGANISATION,
  kavach_topics: ['control'],
  iat: Math.floor(NOW / 1000),
  exp: Math.floor(NOW / 1000) + 600,
};

describe('signRealtimeToken', () => {
  it('signs with the secret: ten minutes, one organisation, no user and no scopes', async () => {
    const { token, expiresAt } = await signRealtimeToken(
      { ...settings, jwtSecret: SECRET },
      { organisation: ORGANISATION, now: NOW },
    );
    const secret = new TextEncoder().encode(SECRET);
    const { payload } = await jwtVerify(token, secret, { algorithms: ['HS256'], currentDate: new Date(NOW) });
    expect(payload).toEqual(CLAIMS);
    expect(expiresAt).toBe(CLAIMS.exp * 1000);
    expect(expiresAt - NOW).toBeLessThanOrEqual(600_000);
  });

  it('signs with the signing key before the secret, and names it', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const signingKey = { ...(await exportJWK(privateKey)), kid: 'realtime-1' };
    const { token } = await signRealtimeToken(
      { ...settings, signingKey, jwtSecret: SECRET },
      { organisation: ORGANISATION, now: NOW },
    );
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'JWT', kid: 'realtime-1' });
    expect((await jwtVerify(token, publicKey, { currentDate: new Date(NOW) })).payload).toEqual(CLAIMS);
  });

  it('says what is missing where it can’t sign', async () => {
    await expect(signRealtimeToken(settings, { organisation: ORGANISATION, now: NOW })).rejects.toThrow(
      'Set KAVACH_SIGNING_KEY or KAVACH_JWT_SECRET',
    );
  });
});
