/** What happens in one run, decided by its seed: the same seed makes the same plan, though not the same interleaving. */

/** What one agent process is told. */
export interface AgentPlan {
  readonly seed: number;
  readonly agentName: string;
  /** How many calls it makes at once. */
  readonly lanes: number;
  readonly url: string;
  readonly apiKey: string;
  readonly pool: string;
  /** Dollars. */
  readonly limit: number;
  readonly baseURL: string;
  readonly maxCallSeconds: number;
}

/** A blow, when so much of the limit has been billed: a slow machine gets it as late as it spends. */
export interface Blow {
  /** Share of the limit. */
  readonly at: number;
  readonly kind: 'kill agent' | 'kill postgres' | 'cut network';
  /** Milliseconds after which a cut is mended. */
  readonly forMs: number;
}

/** Random numbers that a seed decides (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The blows of one run: two to four agents die, the network is cut once, and in every second run PostgreSQL dies. */
export function blowsOf(seed: number): Blow[] {
  const next = random(seed * 7_919 + 1);
  const between = (from: number, to: number): number => from + (to - from) * next();
  const blows: Blow[] = Array.from({ length: 2 + Math.floor(next() * 3) }, () => ({
    at: between(0.05, 0.6),
    kind: 'kill agent',
    forMs: 0,
  }));
  blows.push({ at: between(0.1, 0.5), kind: 'cut network', forMs: between(200, 1_000) });
  if (seed % 2 === 0) blows.push({ at: between(0.1, 0.5), kind: 'kill postgres', forMs: 0 });
  return blows.sort((a, b) => a.at - b.at);
}
