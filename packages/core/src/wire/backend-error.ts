/**
 * What goes wrong between the SDK and the backend. It never reaches a user's call: parts of the SDK that talk to the
 * backend tell each other with it what to do next, and the guard turns it into a kill or a warning.
 */
import type { Rejection } from './index.ts';

/**
 * What the SDK does about it:
 * - `unavailable`: no answer, too late, or a 5xx. Try again, with backoff.
 * - `throttled`: asked for too often. Try again, not before `retryAfterMs`.
 * - `rejected`: the backend takes nothing from this key or agent. With a `reason` it stops the agent; without one, keep what
 *   there is to send and try again.
 * - `refused`: this one request is wrong or too large. Sending it again changes nothing.
 * - `garbage`: an answer that is none of the backend's. Try again as if it were unavailable, and believe none of it.
 */
export type BackendErrorKind = 'unavailable' | 'throttled' | 'rejected' | 'refused' | 'garbage';

/** The figures of a failed request. */
export interface BackendErrorFields {
  /** The HTTP status, where there was an answer. */
  readonly status?: number | undefined;
  /** The backend's machine-readable code, `key_invalid` for example. */
  readonly code?: string | undefined;
  /** Milliseconds to wait at least, where the backend said so. */
  readonly retryAfterMs?: number | undefined;
  /** With `rejected` alone, where the backend said why. */
  readonly reason?: Rejection | undefined;
}

/** A request to the backend failed. Neither the message nor the fields hold the key or what was sent. */
export class BackendError extends Error {
  override readonly name = 'BackendError';
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly reason: Rejection | undefined;

  constructor(
    message: string,
    readonly kind: BackendErrorKind,
    fields: BackendErrorFields = {},
  ) {
    super(message);
    this.status = fields.status;
    this.code = fields.code;
    this.retryAfterMs = fields.retryAfterMs;
    this.reason = fields.reason;
  }
}
