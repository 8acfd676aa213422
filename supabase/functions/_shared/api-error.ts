/** The one error that handlers throw on purpose. */

/** An answer that is an error. `message` and `details` reach the caller, so neither may hold a secret. */
export class ApiError extends Error {
  /** HTTP. */
  readonly status: number;
  /** What programs compare. */
  readonly code: string;
  readonly details: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    details?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}
