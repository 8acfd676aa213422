/** How often the rules are right, on conversations that were labelled by hand before the rules were run on them. */
import { describe, expect, it } from 'vitest';
import { findLoop } from './loops.ts';
import type { Trace } from './testing/trace.ts';
import { LEGITIMATE_TRACES } from './testing/traces-legitimate.ts';
import { LOOP_TRACES } from './testing/traces-loop.ts';

const TRACES = [...LOOP_TRACES, ...LEGITIMATE_TRACES];

/** Whether the agent would have been stopped anywhere on its way. */
function isStopped({ turns }: Trace): boolean {
  return turns.some((_, i) => findLoop(turns.slice(0, i + 1)) !== undefined);
}

const names = (traces: readonly Trace[]): string[] => traces.map(({ kind, name }) => `${kind}: ${name}`);

const loops = TRACES.filter(({ isLoop }) => isLoop);
const stopped = TRACES.filter(isStopped);
const found = stopped.filter(({ isLoop }) => isLoop);
const falseAlarms = stopped.filter(({ isLoop }) => !isLoop);

describe('the loop rules, on labelled traces', () => {
  it('have enough of them to judge by, of every kind', () => {
    expect(TRACES.length).toBeGreaterThanOrEqual(100);
    expect(loops.length).toBeGreaterThanOrEqual(50);
    expect(new Set(names(TRACES)).size).toBe(TRACES.length);
    expect(new Set(TRACES.map(({ kind }) => kind)).size).toBe(13);
  });

  it('raise few false alarms and find most loops; docs/guardrails.md states the figures', () => {
    const precision = found.length / stopped.length;
    const recall = found.length / loops.length;
    console.info(
      `${TRACES.length} traces, ${loops.length} of them loops: precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`,
    );
    expect(precision).toBeGreaterThanOrEqual(0.95);
    expect(recall).toBeGreaterThanOrEqual(0.8);
  });

  it('take nothing for a loop but what looks the same each time', () => {
    expect(names(falseAlarms)).toEqual([
      'polling: a build that stays the same for minutes, and ends',
      'chat: a user who asks for the next one each time',
    ]);
  });

  it('miss what differs a little each time, as the docs say', () => {
    expect(names(loops.filter((trace) => !isStopped(trace)))).toEqual([
      'cycle: six calls, one more than is looked for',
      'noise: the same call, with another in between each time',
      'noise: the same failing call with thoughts that differ',
      'noise: the same search in other words',
      'noise: errors that carry the time',
      'noise: results that carry an id',
      'monologue: in two sentences by turns',
      'monologue: in other words each time',
      'sub-agent: two agents that count their rounds',
      'parallel: six different calls at once, round by round',
    ]);
  });
});
