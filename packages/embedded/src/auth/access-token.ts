/** Signs and reads the JWTs of users, and reads the project's own API keys, which are signed with the same secret. */
import { jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { LIMITS } from './limits.ts';
import { type AuthUser } from './users.ts';

/** How a session was opened. */
export interface AuthMethod {
  readonly method: string;
  /** Seconds since the Unix epoch. */
  readonly timestamp: number;
}

export interface SignedToken {
  readonly token: string;
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number;
}

export class AccessTokens {
  readonly #key: Uint8Array;
  readonly #issuer: string;
  readonly #now: () => number;

  constructor(options: { readonly jwtSecret: string; readonly siteUrl: string; readonly now: () => number }) {
    this.#key = new TextEncoder().encode(options.jwtSecret);
    this.#issuer = new URL('/auth/v1', options.siteUrl).href;
    this.#now = options.now;
  }

  async sign(user: AuthUser, sessionId: string, amr: readonly AuthMethod[]): Promise<SignedToken> {
    const issuedAt = Math.floor(this.#now() / 1_000);
    const expiresAt = issuedAt + LIMITS.accessTokenSeconds;
    const token = await new SignJWT({
      email: user.email ?? '',
      phone: '',
      app_metadata: user.appMetadata,
      user_metadata: user.userMetadata,
      role: user.role,
      aal: 'aal1',
      amr,
      session_id: sessionId,
      is_anonymous: false,
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(this.#issuer)
      .setAudience('authenticated')
      .setSubject(user.id)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .sign(this.#key);
    return { token, expiresAt };
  }

  /** @returns the claims of a user's token; `undefined` where it is expired, for something else, or not ours */
  async readUser(token: string): Promise<{ readonly userId: string; readonly sessionId: string } | undefined> {
    const claims = await this.#read(token, { issuer: this.#issuer, audience: 'authenticated' });
    const sessionId = claims?.['session_id'];
    return claims?.sub !== undefined && typeof sessionId === 'string' ? { userId: claims.sub, sessionId } : undefined;
  }

  /** @returns the role of any token of the project */
  async readRole(token: string): Promise<string | undefined> {
    const role = (await this.#read(token, {}))?.['role'];
    return typeof role === 'string' ? role : undefined;
  }

  async #read(token: string, required: { issuer?: string; audience?: string }): Promise<JWTPayload | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        ...required,
        algorithms: ['HS256'],
        requiredClaims: ['exp'],
        currentDate: new Date(this.#now()),
      });
      return payload;
    } catch {
      return undefined;
    }
  }
}
