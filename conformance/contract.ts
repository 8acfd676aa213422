/** Which part of the contract holds where. */
import type { Expectation, Scenario } from './scenario.ts';
import type { Subject } from './subject.ts';

/** What must hold for a scenario in a subject; `undefined` where the subject can't have it. */
export function expectedOf(scenario: Scenario, subject: Subject): Expectation | undefined {
  const departure = subject.departures?.[scenario.id];
  if (departure?.kind === 'absent' || !offers(subject, scenario.needs)) return undefined;
  return { ...scenario.expected, ...(subject.streams && scenario.streamed), ...departure?.expected };
}

/** Whether a subject has what a scenario asks of it. */
export function offers({ streams, caches = false, stops = false }: Subject, need: Scenario['needs']): boolean {
  switch (need) {
    case 'a stream':
      return streams;
    case 'a cache':
      return caches;
    case 'a stop condition':
      return stops;
    case undefined:
      return true;
  }
}
