/** Finds what was meant by a name that nobody knows: the known one that the fewest slips of the hand lead to. */

/** Beyond this it would be guessed. */
const MOST_SLIPS = 2;

/**
 * The known name that is nearest; `undefined` where none is near. In a short name, fewer letters may differ.
 *
 * @example nearest('statsu', ['status', 'kill']) // 'status'
 */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.min(MOST_SLIPS, Math.floor(name.length / 2)) + 1;
  for (const candidate of known) {
    // Whoever writes in capitals knows the name all the same.
    const slips = slipsBetween(name.toLowerCase(), candidate.toLowerCase(), least);
    if (slips >= least) continue;
    best = candidate;
    least = slips;
  }
  return best;
}

/** The question for what was meant, to go after a sentence; nothing where no known name is near. */
export function didYouMean(name: string, known: Iterable<string>, prefix = ''): string {
  const meant = nearest(name, known);
  return meant === undefined ? '' : ` Did you mean ${prefix}${meant}?`;
}

/** How many letters are missing, too many, wrong, or swapped with the next; no more than `most` are counted. */
function slipsBetween(a: string, b: string, most: number): number {
  if (a === b || most === 0) return 0;
  if (a === '' || b === '') return Math.min(most, a.length + b.length);
  if (a[0] === b[0]) return slipsBetween(a.slice(1), b.slice(1), most);
  const ways: (readonly [string, string])[] = [
    [a.slice(1), b],
    [a, b.slice(1)],
    [a.slice(1), b.slice(1)],
  ];
  if (a[0] === b[1] && a[1] === b[0]) ways.push([a.slice(2), b.slice(2)]);
  return 1 + Math.min(...ways.map(([left, right]) => slipsBetween(left, right, most - 1)));
}
