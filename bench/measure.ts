/** How figures are taken: in batches, so that the clock's own cost and the noise of single operations drop out. */

/** One figure with the target it is held against. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'µs' | 'bytes' | 'ms' | 'events/s' | '×';
  /** At most this much; left out for a baseline. */
  readonly target?: number;
  /** At least this much. */
  readonly atLeast?: number;
}

/** Figures that were taken in the same run and are read together. */
export interface Section {
  readonly title: string;
  readonly note: string;
  readonly figures: readonly Figure[];
}

/** Microseconds per operation: the median over batches, the variants taking turns so that drift hits all alike. */
export async function medians(
  variants: Record<string, () => unknown>,
  { batch: size = 40, rounds = 1500, warmUp = 8000 }: { batch?: number; rounds?: number; warmUp?: number } = {},
): Promise<Record<string, number>> {
  const names = Object.keys(variants);
  const samples = new Map<string, number[]>(names.map((name) => [name, []]));
  for (const name of names) for (let i = 0; i < warmUp; i++) await variants[name]?.();
  for (let round = 0; round < rounds; round++) {
    for (const name of names) samples.get(name)?.push(await batch(variants[name] as () => unknown, size));
  }
  return Object.fromEntries(names.map((name) => [name, median(samples.get(name) ?? [])]));
}

async function batch(operation: () => unknown, size: number): Promise<number> {
  const isAsync = operation() instanceof Promise;
  const start = performance.now();
  if (isAsync) for (let i = 0; i < size; i++) await operation();
  else for (let i = 0; i < size; i++) operation();
  return ((performance.now() - start) / size) * 1000;
}

/** The middle of a list of numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The value that so large a share of a list is at or below: 0.95, or 1 for the largest. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
