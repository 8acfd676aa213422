/** What all sockets share, and how a channel comes to its end. */
import type postgres from 'postgres';
import { accessTo } from './access.ts';
import { type Channel } from './channel.ts';
import { type RealtimeLimits } from './limits.ts';
import { Presence } from './presence.ts';
import { Rooms } from './rooms.ts';
import { type Timers } from './timers.ts';
import { type Claims, type Tokens } from './tokens.ts';

export interface HubOptions {
  /** A pool of a superuser. */
  readonly sql: postgres.Sql;
  readonly tokens: Tokens;
  readonly timers: Timers;
  readonly limits: RealtimeLimits;
  /** Resolves when the feed is known to run. */
  fence(): Promise<void>;
  report(error: unknown): void;
}

export class Hub {
  readonly sql: postgres.Sql;
  readonly tokens: Tokens;
  readonly timers: Timers;
  readonly limits: RealtimeLimits;
  readonly fence: () => Promise<void>;
  readonly report: (error: unknown) => void;
  readonly rooms = new Rooms();
  readonly presence = new Presence(this.rooms);

  constructor(options: HubOptions) {
    this.sql = options.sql;
    this.tokens = options.tokens;
    this.timers = options.timers;
    this.limits = options.limits;
    this.fence = () => options.fence();
    this.report = (error) => options.report(error);
  }

  async access(topic: string, claims: Claims, headers: Readonly<Record<string, string>>): ReturnType<typeof accessTo> {
    return accessTo(this.sql, topic, claims, headers);
  }

  /** Drops the channel when its token ends, unless a newer one comes. */
  arm(channel: Channel): void {
    channel.disarm();
    const leftMs = channel.claims.exp * 1_000 - this.timers.now();
    channel.disarm = this.timers.after(leftMs, () => {
      // An alarm far away rings early.
      if (channel.claims.exp * 1_000 > this.timers.now()) this.arm(channel);
      else this.drop(channel, 'Token has expired');
    });
  }

  /** Ends a channel without a word. */
  discard(channel: Channel): void {
    channel.live = false;
    channel.disarm();
    this.rooms.remove(channel);
    this.presence.untrack(channel);
  }

  /**
   * Ends a channel.
   *
   * @param why told to the client before, where it was not the client's own wish
   */
  drop(channel: Channel, why?: string): void {
    if (!channel.live) return;
    this.discard(channel);
    if (why !== undefined) {
      channel.push('system', { extension: 'system', status: 'error', message: why, channel: channel.topic });
    }
    channel.push('phx_close', {});
  }

  dropAll(why: string): void {
    for (const channel of this.rooms.all()) this.drop(channel, why);
  }
}
