/**
 * The control channel on Supabase Realtime: session after session, with backoff between them and a fresh token before the old
 * one runs out. The library is loaded when the first session begins.
 */
import type { ControlMessage } from '../wire/index.ts';
import { systemAfter, backoff, type After } from './after.ts';
import type { ControlChannel, ControlChannelOptions, OpenControlChannel } from './control-channel.ts';
import type { WebSocketConstructor } from './line.ts';
import { RealtimeSession } from './realtime-session.ts';

/** What tests and other runtimes replace. */
export interface RealtimeOptions {
  /** Default: the runtime's own `WebSocket`. */
  readonly transport?: WebSocketConstructor | undefined;
  readonly after?: After | undefined;
  /** From 0 to 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Wall-clock milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Default 15,000. */
  readonly heartbeatMs?: number | undefined;
  /** Default 10,000. */
  readonly joinMs?: number | undefined;
}

/** A session that held so long was a good one; the next attempt is a first one again. */
const GOOD_SESSION_MS = 30_000;
/** A token is renewed when so much of its time is over. */
const RENEW_AT = 0.8;
const LEAST_RENEWAL_MS = 250;
/** After a renewal: it may have brought nothing, or a token that is over. */
const LEAST_PAUSE_MS = 5_000;

/**
 * Makes control channels on Supabase Realtime.
 *
 * @example
 * const link = new BackendLink({ client, request, openChannel: realtimeChannels(), … });
 */
export function realtimeChannels(options: RealtimeOptions = {}): OpenControlChannel {
  return (channel) => new RealtimeControlChannel(channel, options);
}

class RealtimeControlChannel implements ControlChannel {
  readonly #channel: ControlChannelOptions;
  readonly #options: RealtimeOptions;
  readonly #after: After;
  #session: RealtimeSession | undefined;
  #state: 'idle' | 'open' | 'closed' = 'idle';
  #isLive = false;
  #attempts = 0;
  #cancelRetry: () => void = nothing;
  #cancelRenewal: () => void = nothing;
  #cancelGood: () => void = nothing;

  constructor(channel: ControlChannelOptions, options: RealtimeOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#after = options.after ?? systemAfter;
  }

  open(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'open';
    void this.#join();
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#cancelTimers();
    const session = this.#session;
    this.#session = undefined;
    await session?.end();
  }

  async #join(): Promise<void> {
    try {
      const grant = await this.#channel.grant();
      if (this.#state !== 'open') return;
      const { heartbeatMs = 15_000, joinMs = 10_000, transport = globalThis.WebSocket } = this.#options; // prettier-ignore
      const session: RealtimeSession = new RealtimeSession({
        transport,
        after: this.#after,
        heartbeatMs,
        joinMs,
        onMessage: (message: ControlMessage) => this.#channel.onMessage(message),
        onLive: () => this.#joined(grant.expiresAt),
        onOver: () => this.#lost(),
      });
      this.#session = session;
      await session.join(grant);
    } catch {
      this.#lost(); // no grant: the backend cannot be reached, and whoever asks it for grants says so
    }
  }

  #joined(expiresAt: number): void {
    this.#isLive = true;
    this.#cancelGood = this.#after(GOOD_SESSION_MS, () => {
      this.#attempts = 0;
    });
    this.#renewBefore(expiresAt);
    this.#channel.onState('live');
  }

  #renewBefore(expiresAt: number, least: number = LEAST_RENEWAL_MS): void {
    const left = expiresAt - (this.#options.now ?? Date.now)();
    this.#cancelRenewal = this.#after(Math.max(least, left * RENEW_AT), () => void this.#renew(expiresAt));
  }

  async #renew(expiresAt: number): Promise<void> {
    const session = this.#session;
    let until = expiresAt;
    try {
      const grant = await this.#channel.grant();
      if (grant.expiresAt > expiresAt) {
        until = grant.expiresAt;
        session?.renew(grant.token);
      }
    } catch {
      // The old token holds a little longer; when it does not, the server closes the channel and the next join asks again.
    }
    if (session !== undefined && session === this.#session) this.#renewBefore(until, LEAST_PAUSE_MS);
  }

  #lost(): void {
    if (this.#state !== 'open') return;
    this.#session = undefined;
    this.#cancelTimers();
    const delay = backoff(this.#attempts, this.#options.random ?? Math.random);
    this.#attempts += 1;
    this.#cancelRetry = this.#after(delay, () => void this.#join());
    if (!this.#isLive) return;
    this.#isLive = false;
    this.#channel.onState('lost');
  }

  #cancelTimers(): void {
    this.#cancelRetry();
    this.#cancelRenewal();
    this.#cancelGood();
  }
}

function nothing(): void {
  // There is no timer yet.
}
