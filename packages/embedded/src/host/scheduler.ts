/** Runs the database's jobs every few seconds, as pg_cron does in production: one round at a time. */

/** A running scheduler. */
export interface Scheduler {
  /** Starts no more rounds, and waits for the one that runs. */
  stop(): Promise<void>;
}

/** What to run and how often. */
export interface SchedulerOptions {
  /** Named, for the log. They run one after the other. */
  readonly jobs: Readonly<Record<string, () => Promise<unknown>>>;
  readonly log: (line: string) => void;
  /** Default 10,000. */
  readonly everyMs?: number;
}

/** Starts with a round at once. The timer does not keep the process alive. */
export function startScheduler({ jobs, log, everyMs = 10_000 }: SchedulerOptions): Scheduler {
  const failing = new Map<string, string>();
  let round: Promise<void> | undefined;
  let stopped = false;
  const runAll = async (): Promise<void> => {
    for (const [name, job] of Object.entries(jobs)) {
      if (stopped) return;
      try {
        await job();
        if (failing.delete(name)) log(`The job ${name} works again.`);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        // A job that fails the same way every ten seconds would fill the log.
        if (failing.get(name) !== reason) log(`The job ${name} failed and is tried again: ${reason}`);
        failing.set(name, reason);
      }
    }
  };
  const tick = (): void => {
    if (round !== undefined || stopped) return;
    round = runAll().finally(() => (round = undefined));
  };
  tick();
  const timer = setInterval(tick, everyMs);
  timer.unref();
  return {
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await round;
    },
  };
}
