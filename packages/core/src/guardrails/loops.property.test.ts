import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ToolTurn, Turn } from '../call.ts';
import { sameArguments } from './canonical.ts';
import { DEFAULT_THRESHOLDS, findLoop, LONGEST_CYCLE } from './loops.ts';
import { call, fail, says, together } from './testing/trace.ts';

/** Few different calls, so that repetitions are frequent. */
const letter = fc.constantFrom('a', 'b', 'c');
const toolTurn: fc.Arbitrary<ToolTurn> = fc.oneof(
  letter.map((name) => call(name, { x: 1 }, 'r')),
  letter.map((name) => fail(name, { x: 1 }, 'r')),
);
const key = ({ name, isError }: ToolTurn): string => `${name}${isError === true ? '!' : ''}`;

/** Whether the last `period * rounds` calls are `rounds` equal rounds: the definition, without any cleverness. */
function endsWithRounds(calls: readonly ToolTurn[], period: number, rounds: number): boolean {
  const length = period * rounds;
  if (calls.length < length) return false;
  const tail = calls.slice(-length).map(key);
  return tail.every((each, i) => each === tail[i % period]);
}

function isLoopByDefinition(calls: readonly ToolTurn[]): boolean {
  const { calls: most, errors, cycles } = DEFAULT_THRESHOLDS;
  if (endsWithRounds(calls, 1, calls.at(-1)?.isError === true ? errors : most)) return true;
  for (let period = 2; period <= LONGEST_CYCLE; period++) if (endsWithRounds(calls, period, cycles)) return true;
  return false;
}

/** The calls of answers, where equal ones of one answer count once: the newest of them. */
function counted(answers: readonly (readonly ToolTurn[])[]): readonly ToolTurn[] {
  return answers.flatMap((calls) =>
    calls.filter((call, i) => !calls.slice(i + 1).some((newer) => key(newer) === key(call))),
  );
}

describe('findLoop', () => {
  it('finds what the definition says, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(toolTurn, { maxLength: 24 }), (calls) => {
        expect(findLoop(calls) !== undefined).toBe(isLoopByDefinition(calls));
      }),
      { numRuns: 2_000 },
    );
  });

  it('counts what one answer asks for more than once as one call', () => {
    const answer = fc.array(toolTurn, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 12 }), (answers) => {
        const turns = answers.flatMap((calls) => together(...calls));
        expect(findLoop(turns) !== undefined).toBe(isLoopByDefinition(counted(answers)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('finds any repetition at the end, whatever came before', () => {
    const { calls: most, errors, cycles } = DEFAULT_THRESHOLDS;
    fc.assert(
      fc.property(
        fc.array(toolTurn, { maxLength: 12 }),
        fc.array(toolTurn, { minLength: 1, maxLength: LONGEST_CYCLE }),
        (before, round) => {
          const [only] = round;
          const rounds = round.length > 1 ? cycles : only?.isError === true ? errors : most;
          const turns = [...before, ...Array.from({ length: rounds }, () => round).flat()];
          expect(findLoop(turns)).toBeDefined();
        },
      ),
    );
  });

  it('does not mind what the model says beside its calls', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(toolTurn, fc.string({ minLength: 1 })), { maxLength: 20 }), (pairs) => {
        const narrated = pairs.flatMap(([turn, text]): Turn[] => [says(text), turn]);
        const silent = pairs.map(([turn]) => turn);
        expect(findLoop(narrated)?.rule).toBe(findLoop(silent)?.rule);
      }),
    );
  });

  it('finds nothing among calls that all differ', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.jsonValue(), { maxLength: 30, comparator: sameArguments }), (values) => {
        expect(findLoop(values.map((value) => call('page', value, 'the same')))).toBeUndefined();
      }),
    );
  });
});

/** The same value with the keys of all its objects in another order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, each]) => [name, shuffled(each)])
      .reverse(),
  );
}

const args = fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 });

describe('sameArguments', () => {
  it('does not mind the order of keys, whitespace, or whether they are text', () => {
    fc.assert(
      fc.property(args, fc.constantFrom(0, 1, 4), (value, indent) => {
        const copy = JSON.parse(JSON.stringify(value)) as unknown;
        expect(sameArguments(copy, shuffled(copy))).toBe(true);
        expect(sameArguments(JSON.stringify(copy, null, indent), JSON.stringify(copy))).toBe(true);
        expect(sameArguments(JSON.stringify(copy), copy)).toBe(true);
      }),
    );
  });

  it('tells apart what JSON tells apart', () => {
    const plain = (value: unknown): string => JSON.stringify(sorted(value));
    fc.assert(
      fc.property(args, args, (a, b) => {
        const [x, y] = [a, b].map((value) => JSON.parse(JSON.stringify(value)) as unknown);
        expect(sameArguments(x, y)).toBe(plain(x) === plain(y));
      }),
    );
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => [name, sorted(each)]);
}
