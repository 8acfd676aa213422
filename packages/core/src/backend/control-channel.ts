/**
 * The port through which the backend reaches a running agent at once. It only makes things fast: what it tells is durable in
 * the backend, so a message that is lost is found by the next poll.
 */
import type { ControlMessage, RealtimeGrant } from '../wire/index.ts';

/** What a channel needs, and whom it tells. */
export interface ControlChannelOptions {
  /**
   * What to join with: asked for before each join, and again before the token runs out. `expiresAt` is by this process's
   * wall clock.
   */
  readonly grant: () => Promise<RealtimeGrant>;
  /** A message of the right shape; whether it is news, and for this agent, is for the owner to judge. */
  readonly onMessage: (message: ControlMessage) => void;
  /**
   * `live`: joined, also again. What was sent before is not sent again, so the owner reads the durable state now.
   * `lost`: no longer; the channel comes back by itself. Told after each `live` at most once.
   */
  readonly onState: (state: 'live' | 'lost') => void;
}

/** A subscription that keeps itself alive until it is closed. */
export interface ControlChannel {
  /** Begins to join, and tries for ever. */
  open(): void;
  /** Ends it for good; when the promise is there, no timer and no socket is left. */
  close(): Promise<void>;
}

/** Makes the channel of one guard. */
export type OpenControlChannel = (options: ControlChannelOptions) => ControlChannel;
