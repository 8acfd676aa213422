/** Reads the tokens that sockets, joins and REST calls bring: JWTs of the project, or a key that stands for one. */
import { errors, jwtVerify } from 'jose';
import { z } from 'zod';

/** The roles that a token may ask for. A token of `postgres` would read past every policy. */
const claimsSchema = z.looseObject({
  role: z.enum(['anon', 'authenticated', 'service_role']),
  /** Seconds since the Unix epoch. */
  exp: z.number(),
  // auth.uid() casts it.
  sub: z.guid().optional(),
});

export type Claims = z.infer<typeof claimsSchema>;

/** A token that is refused. The message is for the client and begins with the platform's name for the reason. */
export class TokenProblem extends Error {}

export class Tokens {
  readonly #key: Uint8Array;
  readonly #apiKeys: ReadonlyMap<string, string>;
  readonly #now: () => number;

  /** @param apiKeys a publishable key → the JWT that it stands for */
  constructor(jwtSecret: string, apiKeys: Readonly<Record<string, string>>, now: () => number) {
    this.#key = new TextEncoder().encode(jwtSecret);
    this.#apiKeys = new Map(Object.entries(apiKeys));
    this.#now = now;
  }

  /** @throws TokenProblem */
  async read(token: string): Promise<Claims> {
    let payload: unknown;
    try {
      ({ payload } = await jwtVerify(this.#apiKeys.get(token) ?? token, this.#key, {
        algorithms: ['HS256'],
        currentDate: new Date(this.#now()),
      }));
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new TokenProblem('InvalidJWTToken: Token has expired');
      throw new TokenProblem('JwtSignatureError: Failed to validate JWT signature');
    }
    const claims = claimsSchema.safeParse(payload);
    if (claims.success) return claims.data;
    throw new TokenProblem('InvalidJWTToken: Fields `role` and `exp` are required in JWT, and `sub` must be a UUID');
  }
}
