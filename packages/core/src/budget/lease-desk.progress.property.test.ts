import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallPlan, LeasingProcess } from '../testing/leasing-process.ts';
import { LeasingWorld } from '../testing/leasing-world.ts';

/** Runs of each property; more where somebody looks for rare traces. */
const RUNS = Number(process.env['RUNS'] ?? 200);

const LIMIT = 1_000;

/** What the desk keeps to: it looks so often, believes a refusal for so long, and listens so often while nothing of its own waits. */
const LOOK_MS = 250;
const FRESH_MS = 200;
const LISTEN_MS = 5_000;

/** What happens in one of the processes. */
interface Step {
  readonly which: number;
  readonly plan: CallPlan;
  /** Until the next step. */
  readonly pauseMs: number;
}

const plan: fc.Arbitrary<CallPlan> = fc
  .record({
    worst: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 700 })),
    leastShare: fc.constantFrom(0.1, 0.5, 1),
    share: fc.constantFrom(0, 0.05, 0.3, 1),
    ms: fc.oneof(fc.nat(500), fc.nat(5_000), fc.constant(50_000)),
  })
  .map(({ leastShare, ...rest }) => ({ ...rest, least: Math.ceil(rest.worst * leastShare), waitMs: 300_000 }));

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ which: fc.nat(7), plan, pauseMs: fc.oneof(fc.nat(50), fc.nat(3_000)) }),
  { minLength: 8, maxLength: 60 },
);

/** Milliseconds that a request travels, either way. */
const trip = fc.integer({ min: 1, max: 150 });
const trips = fc.array(trip, { minLength: 2, maxLength: 8 });

const waiting = fc.array(fc.record({ trip, plan, held: fc.double({ min: 0, max: 1, noNaN: true }) }), {
  minLength: 2,
  maxLength: 8,
});

/** The longest that a process takes to ask, to be answered, and to ask again. */
function roundMs(each: readonly number[]): number {
  return LOOK_MS + FRESH_MS + 2 * Math.max(...each);
}

/** Watches that nobody waits for what is there. */
class Progress {
  /** The longest time that some waiting call would have fitted, and none was admitted. */
  longest = 0;
  readonly #world: LeasingWorld;
  readonly #processes: readonly LeasingProcess[];
  #admitted = 0;
  #since: number | undefined;

  constructor(world: LeasingWorld, processes: readonly LeasingProcess[]) {
    this.#world = world;
    this.#processes = processes;
    world.timeline.onEvent = () => this.look();
  }

  /** What neither is spent nor held by a call in flight, by what is true. */
  get unclaimed(): number {
    return this.#processes.reduce((left, { account }) => left - account.own - account.reserved, LIMIT);
  }

  /** Calls whose turn it is in their processes: each process keeps the order of arrival. */
  get #first(): readonly number[] {
    return this.#processes.flatMap(({ account }) => account.queue[0]?.claim.least.usd ?? []);
  }

  look(): void {
    const { now } = this.#world.timeline;
    const calls = this.#processes.flatMap((process) => process.calls);
    const admitted = calls.filter(({ arrivedAt, admittedAt = 0 }) => admittedAt > arrivedAt).length;
    if (this.#since !== undefined) this.longest = Math.max(this.longest, now - this.#since);
    const fits = this.#first.some((least) => least <= this.unclaimed);
    if (!fits) this.#since = undefined;
    else if (admitted > this.#admitted || this.#since === undefined) this.#since = now;
    this.#admitted = admitted;
  }
}

interface Setting {
  readonly world: LeasingWorld;
  readonly processes: readonly LeasingProcess[];
  readonly progress: Progress;
}

function settingOf(trips: readonly number[]): Setting {
  const world = new LeasingWorld(LIMIT);
  const processes = trips.map((trip) => {
    const process = world.start();
    process.network.journey = () => ({ there: trip, back: trip });
    return process;
  });
  return { world, processes, progress: new Progress(world, processes) };
}

/** Lets all calls end, but for those that wait for more than there will be. */
async function finish({ world, processes, progress }: Setting): Promise<void> {
  for (let round = 0; round < 60 && processes.some(({ account }) => account.queue.length > 0); round += 1)
    await world.pass(5_000);
  for (const { account } of processes)
    expect(account.queue[0]?.claim.least.usd ?? Number.POSITIVE_INFINITY).toBeGreaterThan(progress.unclaimed);
}

describe('processes whose calls wait for a shared budget', () => {
  it('never wait for long while there is room for one of them', async () => {
    await fc.assert(
      fc.asyncProperty(trips, steps, async (each, given) => {
        const setting = settingOf(each);
        for (const { which, plan: call, pauseMs } of given) {
          setting.processes[which % each.length]!.call(call);
          await setting.world.pass(pauseMs);
        }
        await finish(setting);
        expect(setting.progress.longest).toBeLessThan(LISTEN_MS + 2 * roundMs(each));
      }),
      { numRuns: RUNS },
    );
  });

  it('wait a few rounds at most where all of them wait: nobody gives and takes slivers', async () => {
    await fc.assert(
      fc.asyncProperty(waiting, async (given) => {
        const each = given.map(({ trip }) => trip);
        const setting = settingOf(each);
        // What they hold for nothing, and then need more than.
        given.forEach(({ held }, index) =>
          setting.processes[index]!.call({ worst: Math.floor((held * LIMIT) / each.length), share: 0, ms: 0 }),
        );
        await setting.world.pass(roundMs(each));
        given.forEach(({ plan: call }, index) => {
          setting.processes[index]!.call({ ...call, ms: 3_600_000 });
          setting.processes[index]!.call({ worst: LIMIT, share: 0, ms: 3_600_000, waitMs: 300_000 });
        });
        for (let round = 0; round < 3 * each.length; round += 1) await setting.world.pass(roundMs(each));
        expect(setting.progress.longest).toBeLessThan(3 * roundMs(each));
      }),
      { numRuns: RUNS },
    );
  });
});
