/** What was started, to be stopped in the opposite order: also after half a start, and only once. */

/** The steps that undo a start. */
export interface Teardown {
  /** To be run before all that were added earlier. */
  add(step: () => Promise<void>): void;
  /** Runs every step, also after one failed; then throws the first failure. */
  run(): Promise<void>;
}

export function teardown(): Teardown {
  const steps: (() => Promise<void>)[] = [];
  let running: Promise<void> | undefined;
  const runAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      await step().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  };
  return {
    add: (step) => void steps.push(step),
    run: () => (running ??= runAll()),
  };
}
