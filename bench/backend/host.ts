/** The embedded backend in a process of its own, and beside it a server whose ingest reads and checks a batch and does nothing more. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WIRE_LIMITS } from '@agentkavach/core/wire';
import { startStack } from '@agentkavach/embedded';
import { createApp, readJson } from '@agentkavach/functions/_shared/http';
import { ingestRequest } from '@agentkavach/functions/_shared/schema';
import { checkEvents } from '@agentkavach/functions/ingest/check-events';
import { getRequestListener } from '@hono/node-server';
import { listenOn } from '../../packages/embedded/src/host/port.ts';
import { answerLines, say } from './programs.ts';

/** What the host says first. */
export interface Host {
  readonly url: string;
  readonly checkOnlyUrl: string;
  readonly keys: { readonly sdk: string; readonly operator: string };
  readonly databaseUrl: string;
  readonly adminUrl: string;
  readonly organisation: string;
}

const dataDir = mkdtempSync(join(tmpdir(), 'kavach-bench-'));
const stack = await startStack({ dataDir });
const checkOnly = await listenOn(0);
const app = createApp('/functions/v1/ingest');
app.post('/', async (c) => {
  const { events } = await readJson(c, ingestRequest, { maxBytes: WIRE_LIMITS.bodyBytes });
  const { valid, invalid } = checkEvents(events);
  return c.json({ accepted: valid.length, rejected: invalid.length });
});
checkOnly.server.removeAllListeners('request');
const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
checkOnly.server.on('request', (incoming, outgoing) => void listener(incoming, outgoing));
const { url, keys, databaseUrl, adminUrl, organisation } = stack;
say({ url, checkOnlyUrl: checkOnly.url, keys, databaseUrl, adminUrl, organisation } satisfies Host);
await answerLines(() => Promise.resolve('here'));
await checkOnly.close();
await stack.stop();
rmSync(dataDir, { recursive: true, force: true });
