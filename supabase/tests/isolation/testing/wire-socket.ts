/** A client of Realtime that says what it likes: Phoenix messages on a WebSocket, without the good manners of a library. */

/** What came, as it came. */
export type Frame = readonly [
  joinRef: string | null,
  ref: string | null,
  topic: string,
  event: string,
  payload: Payload,
];
interface Payload {
  readonly status?: 'ok' | 'error';
  readonly response?: { readonly reason?: string };
  readonly event?: string;
}

export class WireSocket {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, (frame: Frame) => void>();
  #ref = 0;
  /** All frames as text; binary ones too. */
  readonly received: string[] = [];
  #wake: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => {
      const text = typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer).toString('latin1');
      this.received.push(text);
      if (typeof data === 'string') {
        const frame = JSON.parse(data) as Frame;
        if (frame[3] === 'phx_reply') this.#waiting.get(frame[1] ?? '')?.(frame);
      }
      this.#wake();
    });
  }

  /** @returns `undefined` where the server does not let it in */
  static async open(url: string): Promise<WireSocket | undefined> {
    const socket = new WebSocket(url);
    const opened = await new Promise<boolean>((resolve) => {
      socket.addEventListener('open', () => resolve(true));
      socket.addEventListener('error', () => resolve(false));
    });
    return opened ? new WireSocket(socket) : undefined;
  }

  /** Sends a message. @returns the reply to it */
  async ask(topic: string, event: string, payload: object, joinRef: string | null = null): Promise<Payload> {
    this.#ref += 1;
    const ref = String(this.#ref);
    const [, , , , answer] = await new Promise<Frame>((resolve) => {
      this.#waiting.set(ref, resolve);
      this.#socket.send(JSON.stringify([joinRef ?? ref, ref, topic, event, payload]));
    });
    return answer;
  }

  /** Sends a message that may stay without a reply; what comes back until it is certainly handled has come then. */
  async say(topic: string, event: string, payload: object): Promise<void> {
    this.#ref += 1;
    this.#socket.send(JSON.stringify([String(this.#ref), String(this.#ref), topic, event, payload]));
    // Messages of a socket are handled one after the other, and this one is always answered.
    await this.ask('realtime:nowhere', 'phx_leave', {});
  }

  /** The next frame that holds a text, now or later. */
  async untilHeard(text: string): Promise<void> {
    while (!this.received.some((frame) => frame.includes(text))) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#socket.close();
  }
}
