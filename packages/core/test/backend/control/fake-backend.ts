/** A backend with one agent and one budget, in memory: the authority that a link has to agree with in the end. */
import type { AgentState, BudgetState, ConnectAnswer, ConnectRequest } from '../../../src/wire/index.ts';
import { deferred, type Deferred } from '../../../src/testing/deferred.ts';
import type { ControlChannel, ControlChannelOptions } from '../../../src/backend/control-channel.ts';

const BUDGET = '44444444-4444-4444-8444-444444444444';

/** What the agent connects with. */
export const REQUEST: ConnectRequest = {
  sdk: 'js/0.1.0',
  instance: '11111111-1111-4111-8111-111111111111',
  agent: 'bot',
  budgets: [{ id: 'daily', scope: 'agent', name: null, unit: 'usd', period: 'daily', timeZone: 'UTC', limit: 1_000 }],
};

/** The present state and the requests under way. */
export class FakeBackend {
  state: AgentState = { agent: 'bot', killed: false, epoch: 0, reason: null, by: null };
  limit = 1_000;
  hasRealtime = true;
  /** Refuses every request while it is set. */
  failure: Error | undefined;
  /** Requests are held back, to be answered by {@link answer}. */
  isSlow = false;
  connects = 0;
  readonly #now: () => number;
  readonly #waiting: { readonly answer: ConnectAnswer; readonly gate: Deferred<undefined> }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  readonly client = {
    connect: async (_request: ConnectRequest, control?: { readonly signal?: AbortSignal | undefined }) => {
      this.connects += 1;
      if (this.failure !== undefined) throw this.failure;
      const answer = this.present();
      if (this.isSlow) {
        const gate = deferred<undefined>();
        this.#waiting.push({ answer, gate });
        control?.signal?.addEventListener('abort', () => gate.reject(new Error('aborted')));
        await gate.promise;
      }
      return answer;
    },
  };

  /** Requests that wait for their answer. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Lets the oldest waiting answer arrive, as it was written when it was asked for. */
  answer(): void {
    this.#waiting.shift()?.gate.resolve(undefined);
  }

  /** Kills or resumes. */
  change(killed: boolean): AgentState {
    const epoch = this.state.epoch + 1;
    this.state = { agent: 'bot', killed, epoch, reason: killed ? 'manual' : null, by: 'ops@example.com' };
    return this.state;
  }

  /** The answer to a connect now. */
  present(): ConnectAnswer {
    const budget: BudgetState = {
      id: 'daily',
      budgetId: BUDGET,
      limit: this.limit,
      managedBy: 'code',
      windowStart: 0,
      spent: [],
    };
    const expiresAt = this.#now() + 600_000;
    const realtime = { url: 'wss://realtime.test/realtime/v1', apiKey: 'anon', token: `token-${expiresAt}`, expiresAt, topic: 'org:1:control' }; // prettier-ignore
    return {
      organisation: { id: 'org', name: 'Test', plan: 'free' },
      state: this.state,
      budgets: [budget],
      realtime: this.hasRealtime ? realtime : null,
      serverTime: this.#now(),
    };
  }

  /** The budget's id. */
  get budgetId(): string {
    return BUDGET;
  }
}

/** A channel that says what the test says. */
export class FakeChannel implements ControlChannel {
  isOpen = false;

  constructor(readonly options: ControlChannelOptions) {}

  open(): void {
    this.isOpen = true;
  }

  async close(): Promise<void> {
    this.isOpen = false;
  }
}
