/** Sizes and paces that a client cannot exceed. */
export const LIMITS = {
  /** Sockets at once. */
  sockets: 1_000,
  channelsPerSocket: 100,
  joinsPerSecond: 100,
  /** Messages of a socket in one second; above it the socket is closed. */
  messagesPerSecond: 1_000,
  /** Messages of a socket that wait for the ones before them. */
  pendingMessages: 1_000,
  /** Bytes of a frame, and of a REST body. */
  messageBytes: 1_048_576,
  /** Bytes that a slow reader may have outstanding. */
  backlogBytes: 16 * 1_048_576,
  /** Bytes of `realtime:<topic>`, of an event's name and of a presence key: the binary frames give each one byte of length. */
  nameBytes: 255,
  presenceBytes: 16_384,
  /** A socket without any message for so long is closed. realtime-js sends a heartbeat every 25 seconds. */
  silenceMs: 60_000,
  /** Messages in one REST call. */
  restMessages: 100,
  /** Messages that a join may ask to have again, as on the platform. */
  replay: { default: 10, max: 25 },
} as const;

export type RealtimeLimits = {
  readonly [K in keyof typeof LIMITS]: (typeof LIMITS)[K] extends number ? number : (typeof LIMITS)[K];
};

/** Allows so many in each second of the clock. */
export class Pace {
  readonly #perSecond: number;
  readonly #now: () => number;
  #second = Number.NaN;
  #count = 0;

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Counts one. */
  allows(): boolean {
    const second = Math.floor(this.#now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= this.#perSecond;
  }
}
