/** Sizes and paces of the auth endpoints. Those that GoTrue has too are its defaults on the platform. */
export const LIMITS = {
  bodyBytes: 64 * 1024,
  /** Bcrypt reads 72 bytes and silently forgets the rest. */
  password: { minBytes: 8, maxBytes: 72 },
  /** JSON of a user's metadata: it travels in every access token, and so in a request header. */
  metadataBytes: 8_000,
  accessTokenSeconds: 3_600,
  /** A code and the link beside it. */
  codeMs: 3_600_000,
  /** Wrong codes after which the code of that address is dead. */
  wrongCodes: 5,
  /** Codes tried for an address, over all codes that it gets: without this each new code would bring new tries. */
  codeTries: { limit: 30, windowMs: 3_600_000 },
  /** One mail for an address. */
  mail: { limit: 1, windowMs: 60_000 },
  signIn: { limit: 10, windowMs: 300_000 },
  /** A refresh token used again within this time is a client that lost the answer, later it is a thief. */
  refreshReuseMs: 10_000,
  /** Users on a page of the admin list. */
  page: { default: 50, max: 1_000 },
  /** A page number beyond it is a mistake, and its offset no integer for PostgreSQL. */
  maxPage: 1_000_000,
} as const;
