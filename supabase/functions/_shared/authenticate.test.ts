import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callerOf } from './authenticate.ts';
import type { Dependencies } from './dependencies.ts';
import { createApp } from './http.ts';
import { hashKey, makeKey } from './keys.ts';
import { signRealtimeToken } from './realtime-token.ts';

const NOW = Date.UTC(2026, 10, 23, 12);
const SECRET = 'a-secret-of-more-than-thirty-two-characters';
const USER = 'c0ffee00-0000-4000-8000-000000000001';
const CLAIMS = { role: 'authenticated', email: 'a@example.com' };

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };

let fetched: string[] = [];
let served: () => Response = () => Response.json(jwks);
let deps: Dependencies;

beforeEach(() => {
  fetched = [];
  served = () => Response.json(jwks);
  deps = {
    settings: { supabaseUrl: 'https://project.example', anonKey: 'sb_publishable_abc', jwtSecret: SECRET },
    database: { as: () => Promise.reject(new Error('not asked')), end: () => Promise.resolve() },
    fetch: (input) => {
      fetched.push(input instanceof Request ? input.url : String(input));
      return Promise.resolve(served());
    },
    now: () => NOW,
  };
});
afterEach(() => {
  served = () => Response.json(jwks);
});

async function ask(authorization?: string, path = '/me') {
  const app = createApp('/me');
  app.get('/', async (c) => {
    const caller = await callerOf(c, deps);
    return c.json(caller.kind === 'key' ? { ...caller, hash: Buffer.from(caller.hash).toString('hex') } : caller);
  });
  app.get('/public', async (c) => c.json(await callerOf(c, deps, { anonymous: true })));
  const response = await app.request(path, authorization === undefined ? {} : { headers: { authorization } });
  const body = (await response.json()) as { error?: { code: string } };
  return { response, body, code: body.error?.code };
}

const sign = (claims: JWTPayload, { expires = NOW / 1000 + 60, kid = 'one', sub = USER, aud = 'authenticated' } = {}) =>
  new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setSubject(sub)
    .setAudience(aud)
    .setExpirationTime(expires)
    .sign(privateKey);

const signWithSecret = (claims: Record<string, unknown>, secret = SECRET) =>
  new SignJWT({ ...CLAIMS, aud: 'authenticated', sub: USER, exp: NOW / 1000 + 60, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));

describe('callerOf', () => {
  it('asks for credentials, but where none are needed', async () => {
    const { response, code } = await ask();
    expect([response.status, code, response.headers.get('www-authenticate')]).toEqual([
      401,
      'credentials_required',
      'Bearer',
    ]);
    expect((await ask(undefined, '/me/public')).body).toEqual({ kind: 'anon' });
  });

  it('takes the public key, which clients send when nobody is signed in, as none', async () => {
    expect((await ask('Bearer sb_publishable_abc')).code).toBe('credentials_required');
    expect((await ask('Bearer sb_publishable_abc', '/me/public')).body).toEqual({ kind: 'anon' });
  });

  it('knows an API key by its hash', async () => {
    const key = makeKey('dev');
    expect((await ask(`Bearer ${key}`)).body).toEqual({
      kind: 'key',
      hash: Buffer.from(await hashKey(key)).toString('hex'),
    });
    expect((await ask(`bearer   ${key}`)).response.status).toBe(200);
  });

  it('refuses a mistyped API key, also where none is needed', async () => {
    const key = makeKey('dev');
    const wrong = key.slice(0, 20) + (key[20] === 'a' ? 'b' : 'a') + key.slice(21);
    for (const path of ['/me', '/me/public']) {
      const { response, code } = await ask(`Bearer ${wrong}`, path);
      expect([response.status, code]).toEqual([401, 'key_invalid']);
    }
  });

  it('verifies a user by the auth server’s public keys, fetched once', async () => {
    const { body } = await ask(`Bearer ${await sign({})}`);
    expect(body).toMatchObject({ kind: 'user', userId: USER, claims: { sub: USER, role: 'authenticated' } });
    await ask(`Bearer ${await sign({})}`);
    expect(fetched).toEqual(['https://project.example/auth/v1/.well-known/jwks.json']);
  });

  it('verifies a user by the project’s secret', async () => {
    expect((await ask(`Bearer ${await signWithSecret({})}`)).body).toMatchObject({ kind: 'user', userId: USER });
    expect(fetched).toEqual([]);
  });

  it('drops claims that would make a user an API key', async () => {
    const token = await sign({ kavach_org: USER, kavach_scopes: ['admin'], kavach_key: USER });
    const { body } = await ask(`Bearer ${token}`);
    expect(JSON.stringify(body)).not.toContain('kavach');
  });

  it('tells an expired token from a wrong one', async () => {
    const { response, code } = await ask(`Bearer ${await sign({}, { expires: NOW / 1000 - 60 })}`);
    expect([response.status, code]).toEqual([401, 'token_expired']);
    // Clocks differ by seconds.
    expect((await ask(`Bearer ${await sign({}, { expires: NOW / 1000 - 3 })}`)).response.status).toBe(200);
  });

  it.each([
    ['no token', () => 'Bearer'],
    ['another scheme', () => 'Basic dXNlcjpwYXNz'],
    ['two tokens', () => 'Bearer a b'],
    ['a text', () => 'Bearer abc'],
    ['a very long one', () => `Bearer ${'a'.repeat(10_000)}`],
    ['another audience', async () => `Bearer ${await sign({}, { aud: 'other' })}`],
    ['another role', async () => `Bearer ${await sign({ role: 'service_role' })}`],
    ['a subject that is no user', async () => `Bearer ${await sign({}, { sub: 'me' })}`],
    ['an unknown key', async () => `Bearer ${await sign({}, { kid: 'two' })}`],
    ['another secret', async () => `Bearer ${await signWithSecret({}, 'b'.repeat(40))}`],
    ['no expiry', async () => `Bearer ${await signWithSecret({ exp: undefined })}`],
    ['no subject', async () => `Bearer ${await signWithSecret({ sub: undefined })}`],
    [
      'an unsigned one',
      () =>
        `Bearer ${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ ...CLAIMS, sub: USER, aud: 'authenticated', exp: NOW })).replace(/=+$/, '')}.`,
    ],
    [
      'one that uses the public key as a secret',
      async () => `Bearer ${await signWithSecret({}, JSON.stringify(jwks.keys[0]))}`,
    ],
  ])('refuses %s', async (_, authorization) => {
    const { response, code } = await ask(await authorization());
    expect([response.status, code]).toEqual([401, 'token_invalid']);
  });

  it('refuses a Realtime token, which the same secret signs', async () => {
    const { token } = await signRealtimeToken(deps.settings, { organisation: USER, now: NOW });
    expect((await ask(`Bearer ${token}`)).code).toBe('token_invalid');
  });

  it('refuses HS256 where there is no secret', async () => {
    deps = { ...deps, settings: { supabaseUrl: 'https://project.example', anonKey: 'x' } };
    expect((await ask(`Bearer ${await signWithSecret({})}`)).code).toBe('token_invalid');
  });

  it.each([
    ['is away', () => Promise.reject(new TypeError('fetch failed'))],
    ['answers with an error', () => Promise.resolve(new Response('no', { status: 500 }))],
    ['answers with something else', () => Promise.resolve(new Response('<html>'))],
  ])('does not blame the token where the auth server %s', async (_, fetchKeys) => {
    deps = { ...deps, fetch: fetchKeys };
    const { response, code } = await ask(`Bearer ${await sign({})}`);
    expect([response.status, code, response.headers.get('retry-after')]).toEqual([503, 'auth_unavailable', '5']);
  });
});
