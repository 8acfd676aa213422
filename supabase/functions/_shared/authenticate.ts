/** Who calls: reads the credentials of a request. What the caller may do is for the database to say. */
import type { Context } from 'hono';
import { createRemoteJWKSet, customFetch, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import { ApiError } from './api-error.ts';
import type { Dependencies } from './dependencies.ts';
import { checkKey, hashKey } from './keys.ts';

/** A person with a token of the project's auth server. */
export interface UserCaller {
  readonly kind: 'user';
  readonly userId: string;
  /** The verified claims. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** An API key whose checksum is right; whether it exists is known to the database only. */
export interface KeyCaller {
  readonly kind: 'key';
  readonly hash: Uint8Array<ArrayBuffer>;
}

/** No credentials, or the project's public key. */
export interface AnonymousCaller {
  readonly kind: 'anon';
}

export type Caller = UserCaller | KeyCaller | AnonymousCaller;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Longer than any token that the auth server signs. */
const LONGEST = 8_192;

/**
 * The caller by `Authorization: Bearer …`, an API key or a user's token.
 *
 * @param options `anonymous: true` lets callers without credentials through; else they get a 401
 * @throws ApiError 401 `credentials_required`, `key_invalid`, `token_expired` or `token_invalid`; 503 `auth_unavailable` where the
 * auth server's keys can't be fetched
 */
export function callerOf(
  c: Context,
  deps: Dependencies,
  options?: { readonly anonymous?: false },
): Promise<UserCaller | KeyCaller>;
export function callerOf(c: Context, deps: Dependencies, options: { readonly anonymous: true }): Promise<Caller>;
export async function callerOf(
  c: Context,
  deps: Dependencies,
  options: { readonly anonymous?: boolean } = {},
): Promise<Caller> {
  const credentials = bearer(c);
  if (credentials === undefined || credentials === deps.settings.anonKey) {
    if (options.anonymous === true) return { kind: 'anon' };
    throw new ApiError(
      401,
      'credentials_required',
      'Send "Authorization: Bearer" with an API key (ak_…) or the token of a signed-in user.',
      undefined,
      CHALLENGE,
    );
  }
  if (credentials.startsWith('ak_')) {
    if (checkKey(credentials)) return { kind: 'key', hash: await hashKey(credentials) };
    throw refused(
      'key_invalid',
      'The API key is not valid: its checksum is wrong. Copy it again from where it was shown, or make another with npx agentkavach keys create.',
    );
  }
  return user(credentials, deps);
}

const CHALLENGE = { 'www-authenticate': 'Bearer' };

function bearer(c: Context): string | undefined {
  const header = c.req.header('authorization')?.trim();
  if (header === undefined || header === '') return undefined;
  const token = /^bearer +(\S+)$/i.exec(header)?.[1];
  if (token === undefined || token.length > LONGEST) {
    throw refused('token_invalid', 'The Authorization header must be "Bearer" and one token.');
  }
  return token;
}

async function user(token: string, deps: Dependencies): Promise<UserCaller> {
  const claims = await verified(token, deps);
  if (claims['role'] !== 'authenticated' || typeof claims.sub !== 'string' || !UUID.test(claims.sub)) {
    throw refused('token_invalid', 'The token is not that of a signed-in user.');
  }
  // Claims with this prefix make an API key's rights in the database; a user's token may not carry them.
  const own = Object.fromEntries(Object.entries(claims).filter(([name]) => !name.startsWith('kavach_')));
  return { kind: 'user', userId: claims.sub, claims: own };
}

async function verified(token: string, deps: Dependencies): Promise<JWTPayload> {
  const rules = {
    audience: 'authenticated',
    requiredClaims: ['exp', 'sub'],
    clockTolerance: 5,
    currentDate: new Date(deps.now()),
  };
  const symmetric = algorithmOf(token) === 'HS256';
  const { jwtSecret } = deps.settings;
  if (symmetric && jwtSecret === undefined) {
    throw refused('token_invalid', 'The token is signed with a secret that is not in use here.');
  }
  try {
    const { payload } = symmetric
      ? await jwtVerify(token, new TextEncoder().encode(jwtSecret), { ...rules, algorithms: ['HS256'] })
      : await jwtVerify(token, publicKeys(deps), { ...rules, algorithms: ['ES256', 'RS256', 'EdDSA'] });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refused('token_expired', 'The token has expired. Sign in again.');
    // A failure that is not about the token is one of fetching the keys: the network's own, or a generic one of jose.
    const aboutToken =
      error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && error.code !== 'ERR_JOSE_GENERIC';
    if (aboutToken) throw refused('token_invalid', 'The token is not valid here.');
    const message = 'The keys of the auth server can’t be read. Try again soon.';
    throw new ApiError(503, 'auth_unavailable', message, undefined, { 'retry-after': '5' });
  }
}

function algorithmOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).alg;
  } catch {
    throw refused('token_invalid', 'The credentials are neither an API key (ak_…) nor a JWT.');
  }
}

type PublicKeys = ReturnType<typeof createRemoteJWKSet>;
const keySets = new WeakMap<Dependencies, PublicKeys>();

/** The auth server's public keys, fetched once and again when they change. */
function publicKeys(deps: Dependencies): PublicKeys {
  let keys = keySets.get(deps);
  if (keys === undefined) {
    const url = new URL(`${deps.settings.supabaseUrl}/auth/v1/.well-known/jwks.json`);
    keys = createRemoteJWKSet(url, { timeoutDuration: 5_000, [customFetch]: (to, init) => deps.fetch(to, init) });
    keySets.set(deps, keys);
  }
  return keys;
}

function refused(code: string, message: string): ApiError {
  return new ApiError(401, code, message, undefined, { 'www-authenticate': 'Bearer error="invalid_token"' });
}
