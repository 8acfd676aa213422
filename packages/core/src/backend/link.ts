/**
 * The one place in which a guard knows its backend: it connects, keeps asking, listens to the control channel, and tells the
 * guard what is new, in order. Nothing here keeps a process alive, and nothing here fails a user's call.
 */
import { systemClock, type Clock } from '../clock.ts';
import { isolated } from '../events.ts';
import { BackendError } from '../wire/backend-error.ts';
import type {
  AgentState,
  ConnectAnswer,
  ConnectRequest,
  ControlMessage,
  LimitHolder,
  RealtimeGrant,
  Rejection,
} from '../wire/index.ts';
import { backoff, systemAfter, type After } from './after.ts';
import type { BackendClient } from './client.ts';
import type { ControlChannel, OpenControlChannel } from './control-channel.ts';
import { StateOrder } from './state-order.ts';

/** Where a link stands. `unavailable` and `rejected` go on trying; `closed` is the end. */
export type LinkState = 'connecting' | 'connected' | 'unavailable' | 'rejected' | 'closed';

/** Whom a link tells. A callback that throws reaches the log and nothing else. */
export interface LinkListener {
  /**
   * At every connect that succeeds, before `onAgentState` of the same answer.
   *
   * @param clockOffsetMs the backend's wall clock minus this process's
   */
  onConnect(answer: ConnectAnswer, clockOffsetMs: number): void;
  /** The agent was killed or resumed; also the state at the first connect. Each epoch once, and no older one after a newer. */
  onAgentState(state: AgentState): void;
  /** The limit of one of this agent's budgets, in the integer unit of the wire, or who may change it, has changed. */
  onLimit(budgetId: string, limit: number, managedBy: LimitHolder): void;
  /** The backend takes nothing more from this agent, until a later `onConnect`. */
  onRejection(reason: Rejection): void;
  /** There is no backend for the time being: at the first failure of a row, until a later `onConnect`. */
  onUnavailable(error: BackendError): void;
}

/** What a link is made of. */
export interface LinkOptions {
  readonly client: Pick<BackendClient, 'connect'>;
  /** What to connect with; asked for each time, because budgets may be added. */
  readonly request: () => ConnectRequest;
  readonly listener: LinkListener;
  /** Left out: no channel, the poll does its work. */
  readonly openChannel?: OpenControlChannel | undefined;
  /** Milliseconds between two connects while the channel is live, ±10 %. Default 30,000; without it, 5,000 at most. */
  readonly pollMs?: number | undefined;
  readonly after?: After | undefined;
  /** From 0 to 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  readonly clock?: Clock | undefined;
}

const DEFAULT_POLL_MS = 30_000;
const POLL_WITHOUT_CHANNEL_MS = 5_000;
/** An answer that took longer says too little about the clock. */
const LONGEST_ROUND_TRIP_MS = 5_000;
/** A token that holds for less is not worth joining with. */
const LEAST_TOKEN_MS = 60_000;

/** One guard's connection to its backend. */
export class BackendLink {
  readonly #options: LinkOptions;
  readonly #after: After;
  readonly #random: () => number;
  readonly #clock: Clock;
  readonly #order: StateOrder;
  readonly #abort = new AbortController();
  #state: LinkState = 'connecting';
  #isStarted = false;
  #failures = 0;
  #offsetMs = 0;
  #grant: RealtimeGrant | undefined;
  #channel: ControlChannel | undefined;
  #isLive = false;
  #rejection: Rejection | undefined;
  /** The backend's ids of this agent's budgets. */
  #budgetIds: ReadonlySet<string> = new Set();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #cancelPoll: () => void = () => undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#after = options.after ?? systemAfter;
    this.#random = options.random ?? Math.random;
    this.#clock = options.clock ?? systemClock;
    this.#order = new StateOrder(options.request().agent);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Whether kills arrive at once, and not only by the poll. */
  get isLive(): boolean {
    return this.#isLive && !this.#isClosed;
  }

  /** Begins to connect, and goes on for ever. The first answer or failure is told to the listener. */
  start(): void {
    if (this.#isStarted || this.#isClosed) return;
    this.#isStarted = true;
    void this.refresh();
  }

  /** Takes note of a state from any answer or broadcast. Old news and other agents' are left out. */
  observe(state: AgentState): void {
    if (this.#isClosed) return;
    if (this.#order.take(state)) this.#tell('agent state', () => this.#options.listener.onAgentState(state));
  }

  /**
   * Reads the backend's state again. What the promise waits for is a connect that began after this call; it is there also when
   * that failed, which the listener hears.
   */
  refresh(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    if (this.#running === undefined) return this.#run();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#isClosed ? undefined : this.#run();
    });
    return this.#next;
  }

  /** Ends it for good: no callback after this, no timer, no socket. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#cancelPoll();
    this.#abort.abort();
    await Promise.all([this.#channel?.close(), this.#running]);
  }

  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #run(): Promise<void> {
    this.#cancelPoll();
    this.#running = this.#connect().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #connect(): Promise<void> {
    const before = this.#order.epoch;
    const began = this.#clock.monotonic();
    let delay: number;
    try {
      const answer = await this.#options.client.connect(this.#options.request(), { signal: this.#abort.signal });
      if (this.#isClosed) return;
      if (!this.#order.isOf(answer.state))
        throw new BackendError('connect: the answer is about another agent. It is tried again.', 'garbage');
      this.#measureClock(answer.serverTime, this.#clock.monotonic() - began);
      delay = this.#connected(answer, before);
    } catch (error) {
      if (this.#isClosed) return;
      delay = this.#failed(asBackendError(error));
    }
    this.#pollIn(delay);
  }

  #connected(answer: ConnectAnswer, epochBefore: number): number {
    this.#state = 'connected';
    this.#failures = 0;
    this.#rejection = undefined;
    this.#budgetIds = new Set(answer.budgets.map(({ budgetId }) => budgetId));
    const { realtime } = answer;
    this.#grant = realtime === null ? undefined : { ...realtime, expiresAt: realtime.expiresAt - this.#offsetMs };
    this.#tell('connect', () => this.#options.listener.onConnect(answer, this.#offsetMs));
    this.#order.restart(answer.state, epochBefore);
    this.observe(answer.state);
    if (!this.#isClosed) this.#keepChannel();
    return this.#pollMs();
  }

  #failed(error: BackendError): number {
    const wait = error.retryAfterMs ?? 0;
    const { listener } = this.#options;
    if (error.kind === 'rejected' && error.reason !== undefined) {
      const { reason } = error;
      const isNew = this.#rejection !== reason;
      this.#state = 'rejected';
      this.#rejection = reason;
      if (isNew) this.#tell('rejection', () => listener.onRejection(reason));
      return Math.max(wait, this.#jittered(this.#options.pollMs ?? DEFAULT_POLL_MS));
    }
    const isNew = this.#state !== 'unavailable';
    this.#state = 'unavailable';
    if (isNew) this.#tell('unavailable', () => listener.onUnavailable(error));
    const delay = backoff(this.#failures, this.#random);
    this.#failures += 1;
    return Math.max(wait, delay);
  }

  #measureClock(serverTime: number, roundTripMs: number): void {
    if (roundTripMs > LONGEST_ROUND_TRIP_MS) return;
    this.#offsetMs = serverTime - (this.#clock.now() - roundTripMs / 2);
  }

  #pollMs(): number {
    const wanted = this.#options.pollMs ?? DEFAULT_POLL_MS;
    return this.#jittered(this.#isLive ? wanted : Math.min(wanted, POLL_WITHOUT_CHANNEL_MS));
  }

  #jittered(ms: number): number {
    return ms * (0.9 + 0.2 * this.#random());
  }

  #pollIn(ms: number): void {
    this.#cancelPoll();
    if (!this.#isClosed) this.#cancelPoll = this.#after(ms, () => void this.refresh());
  }

  #keepChannel(): void {
    if (this.#grant === undefined || this.#channel !== undefined) return;
    this.#channel = this.#options.openChannel?.({
      grant: () => this.#freshGrant(),
      onMessage: (message) => this.#receive(message),
      onState: (state) => this.#channelChanged(state),
    });
    this.#channel?.open();
  }

  /** @throws BackendError where the backend gives none just now */
  async #freshGrant(): Promise<RealtimeGrant> {
    if (!this.#isGrantFresh()) await this.refresh();
    if (this.#grant !== undefined && this.#isGrantFresh(0)) return this.#grant;
    throw new BackendError('realtime: the backend gave no token to join with. It is tried again.', 'unavailable');
  }

  #isGrantFresh(least: number = LEAST_TOKEN_MS): boolean {
    return this.#grant !== undefined && this.#grant.expiresAt - this.#clock.now() > least;
  }

  #channelChanged(state: 'live' | 'lost'): void {
    if (this.#isClosed) return;
    this.#isLive = state === 'live';
    if (this.#isLive) void this.refresh();
    // A connect under way sets the poll itself.
    else if (this.#running === undefined && this.#state === 'connected') this.#pollIn(this.#pollMs());
  }

  #receive(message: ControlMessage): void {
    if (this.#isClosed) return;
    if (message.type === 'limit') {
      if (!this.#budgetIds.has(message.budgetId)) return;
      this.#tell('limit', () => this.#options.listener.onLimit(message.budgetId, message.limit, message.managedBy));
      // An answer under way may have been written before the change, and comes after it.
      if (this.#running !== undefined) void this.refresh();
      return;
    }
    const { type, ...state } = message;
    const missed = this.#order.isGap(state);
    this.observe(state);
    if (missed) void this.refresh();
  }

  #tell(what: string, callback: () => void): void {
    if (!this.#isClosed) isolated(what, callback);
  }
}

function asBackendError(error: unknown): BackendError {
  return error instanceof BackendError
    ? error
    : new BackendError('connect: the request could not be made. It is tried again.', 'unavailable');
}
