/** Tokens, the good and the bad ones. */
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { SECRET } from './stage.ts';

interface Signing {
  /** Default: the project's. */
  readonly secret?: string;
  /** `null`: none. Default `authenticated`. */
  readonly audience?: string | null;
  /** Default: in an hour. */
  readonly expires?: string;
}

/** A token like those of the auth server. */
export function sign(
  claims: JWTPayload,
  { secret = SECRET, audience = 'authenticated', expires = '1h' }: Signing = {},
): Promise<string> {
  const token = new SignJWT({ role: 'authenticated', ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime(expires);
  return (audience === null ? token : token.setAudience(audience)).sign(new TextEncoder().encode(secret));
}

/** One that claims to need no signature. @param algorithm how it says so */
export function unsigned(claims: JWTPayload, algorithm: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 3_600;
  return `${part({ alg: algorithm, typ: 'JWT' })}.${part({ role: 'authenticated', aud: 'authenticated', exp, ...claims })}.`;
}

/** One that is signed with a key of its own, which it brings along. */
export async function signedByItself(claims: JWTPayload): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  return new SignJWT({ role: 'authenticated', ...claims })
    .setProtectedHeader({
      alg: 'ES256',
      kid: 'mine',
      jwk: await exportJWK(publicKey),
      jku: 'https://rival.example/jwks.json',
    })
    .setAudience('authenticated')
    .setExpirationTime('1h')
    .sign(privateKey);
}
