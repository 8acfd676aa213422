import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BackendError } from '../wire/backend-error.ts';
import type { AgentState, ControlMessage } from '../wire/index.ts';
import { BackendLink } from './link.ts';
import { FakeBackend, FakeChannel, REQUEST } from '../../test/backend/control/fake-backend.ts';
import { FakeTime, settled } from '../../test/backend/control/fake-time.ts';

/** What may happen between a backend and a link, in any order. */
const step = fc.oneof(
  fc.record({ type: fc.constant('change' as const), killed: fc.boolean() }),
  fc.record({ type: fc.constant('limit' as const), limit: fc.integer({ min: 1, max: 9 }) }),
  // Broadcasts arrive late, twice, out of order, or not at all.
  fc.record({ type: fc.constant('deliver' as const), pick: fc.nat() }),
  fc.record({ type: fc.constant('observe' as const), pick: fc.nat() }),
  fc.record({ type: fc.constant('channel' as const), state: fc.constantFrom('live' as const, 'lost' as const) }),
  fc.record({ type: fc.constant('down' as const), isDown: fc.boolean() }),
  fc.record({ type: fc.constant('slow' as const), isSlow: fc.boolean() }),
  fc.constant({ type: 'answer' as const }),
  fc.constant({ type: 'refresh' as const }),
  fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 60_000 }) }),
);

it('whatever is lost, late or repeated, the newest state wins, each is told once, and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      async (steps, random) => {
        const time = new FakeTime();
        const backend = new FakeBackend(() => time.now());
        let channel: FakeChannel | undefined;
        const told: AgentState[] = [];
        let limit = Number.NaN;
        const link = new BackendLink({
          client: backend.client,
          request: () => REQUEST,
          openChannel: (options) => (channel = new FakeChannel(options)),
          listener: {
            onConnect: ({ budgets }) => (limit = budgets[0]!.limit),
            onAgentState: (state) => told.push(state),
            onLimit: (_id, changed) => (limit = changed),
            onRejection: () => undefined,
            onUnavailable: () => undefined,
          },
          after: time.after,
          random: () => random,
          clock: time,
        });
        const states = [backend.state];
        const messages: ControlMessage[] = [];
        link.start();
        for (const each of steps) {
          if (each.type === 'change') {
            const state = backend.change(each.killed);
            states.push(state);
            messages.push({ type: each.killed ? 'kill' : 'resume', ...state });
          } else if (each.type === 'limit') {
            backend.limit = each.limit;
            messages.push({ type: 'limit', budgetId: backend.budgetId, limit: each.limit, managedBy: 'operator' });
          } else if (each.type === 'deliver') {
            const message = messages[each.pick % Math.max(1, messages.length)];
            if (message !== undefined) channel?.options.onMessage(message);
          } else if (each.type === 'observe') link.observe(states[each.pick % states.length]!);
          else if (each.type === 'channel') channel?.options.onState(each.state);
          else if (each.type === 'down')
            backend.failure = each.isDown ? new BackendError('down', 'unavailable') : undefined;
          else if (each.type === 'slow') backend.isSlow = each.isSlow;
          else if (each.type === 'answer') backend.answer();
          else if (each.type === 'refresh') void link.refresh();
          else await time.pass(each.ms);
          await settled();
        }
        // The backend is well again; the next poll is 33 s away at most, and follows a failure within 30 s.
        backend.failure = undefined;
        backend.isSlow = false;
        while (backend.waiting > 0) {
          backend.answer();
          await settled();
        }
        await time.pass(64_000);
        expect(told.at(-1)).toEqual(backend.state);
        expect(limit).toBe(backend.limit);
        expect(link.state).toBe('connected');
        for (const [index, state] of told.entries())
          if (index > 0) expect(state.epoch).toBeGreaterThan(told[index - 1]!.epoch);
        await link.close();
        expect(time.pending).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});
