/** A sum of pico-dollars that stays exact whatever its size, and is rounded up to nano-dollars once. */
import { EXACT, PICO_PER_NANO } from './rates.ts';

const PICO = BigInt(PICO_PER_NANO);

/** Adds products of integers: in plain numbers while they are exact, in BigInt from there on. */
export class PicoSum {
  #small = 0;
  #large: bigint | undefined;

  /** Adds `count * rate`, both integers. */
  add(count: number, rate: number): void {
    if (this.#large === undefined) {
      const next = this.#small + count * rate;
      if (next <= EXACT) {
        this.#small = next;
        return;
      }
      this.#large = BigInt(this.#small);
    }
    this.#large += BigInt(count) * BigInt(rate);
  }

  /** The sum in nano-dollars, rounded up. */
  nano(): number {
    return this.#large === undefined ? picoToNano(this.#small) : bigPicoToNano(this.#large);
  }
}

/**
 * Pico-dollars up to `EXACT` as nano-dollars, rounded up. Below 2^43 neighbouring doubles are less than a thousandth
 * apart, so the quotient never lands on a whole number that it isn't.
 */
export function picoToNano(pico: number): number {
  return Math.ceil(pico / PICO_PER_NANO);
}

/** The same for any size; what no number can hold exactly becomes the largest that can. */
export function bigPicoToNano(pico: bigint): number {
  const nano = (pico + PICO - 1n) / PICO;
  return nano > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(nano);
}
