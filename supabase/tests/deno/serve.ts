/**
 * Loaded by Deno before a module that calls `Deno.serve`: gives it a free port of this machine, prints that, and says on every
 * answer which Deno it was. Ends with the process that started it, however that ends.
 */
import process from 'node:process';
import { ANSWERED_BY } from './protocol.ts';

type Handler = (request: Request) => Response | Promise<Response>;

const runtime = Deno as unknown as { serve: unknown; readonly version: { readonly deno: string } };
const serve = runtime.serve as (options: object, handler: Handler) => unknown;

// Without a port it takes 8000.
runtime.serve = (handler: Handler) =>
  serve({ port: 0, hostname: '127.0.0.1', onListen }, async (request) => {
    const response = await handler(request);
    response.headers.set(ANSWERED_BY, `Deno ${runtime.version.deno}`);
    return response;
  });

function onListen({ port }: { readonly port: number }): void {
  process.stdout.write(`port ${port}\n`);
}

process.stdin.on('end', () => process.exit()).resume();
