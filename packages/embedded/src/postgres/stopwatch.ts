/** Milliseconds of each phase of a start. */

/** Counts from now on. */
export interface Stopwatch {
  readonly laps: Readonly<Record<string, number>>;
  /** Ends a phase; the next one begins. */
  lap(name: string): void;
}

export function stopwatch(): Stopwatch {
  const laps: Record<string, number> = {};
  let last = performance.now();
  return {
    laps,
    lap: (name) => {
      const now = performance.now();
      laps[name] = Math.round(now - last);
      last = now;
    },
  };
}
