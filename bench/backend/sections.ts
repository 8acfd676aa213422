/** `npm run bench -- backend [--events 5000000] [--quick]`: the backend's figures, each beside a baseline of the same run. */
import { parseArgs } from 'node:util';
import type { Section } from '../measure.ts';
import type { Host } from './host.ts';
import { hotPathSection } from './hot-path.ts';
import { ingestSection } from './ingest.ts';
import { killSection } from './kill.ts';
import { overviewSection } from './overview.ts';
import { compilePrograms, startProgram } from './programs.ts';

/** The sections, taken one after another on one backend, which ends with the last. */
export async function* backendSections(args: string[]): AsyncGenerator<Section> {
  const { values } = parseArgs({
    args,
    options: {
      events: { type: 'string', default: '100000' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const events = Number(values.events);
  if (!Number.isSafeInteger(events) || events < 0) throw new Error(`--events takes a number, got ${values.events}.`);
  const takes: Readonly<Record<string, (host: Host) => Promise<Section>>> = {
    ingest: (host) => ingestSection(host, values.quick ? 10 : 40),
    kill: (host) => killSection(host, values.quick ? 40 : 200),
    'hot-path': hotPathSection,
    overview: (host) => overviewSection(host, events),
  };
  await compilePrograms();
  const program = startProgram('host');
  try {
    const host = await program.next<Host>();
    for (const [name, take] of Object.entries(takes)) {
      if (values.only === undefined || values.only === name) yield await take(host);
    }
  } finally {
    await program.end();
  }
}
