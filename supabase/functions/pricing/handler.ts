/** GET /v1/pricing: the price catalog. Public, and the same for everybody, so it may be cached. */
import { listPrices } from '@agentkavach/core/pricing';
import type { Hono } from 'hono';
import type { Dependencies } from '../_shared/dependencies.ts';
import { createApp } from '../_shared/http.ts';

const DAY = 86_400_000;

export function handler(deps: Dependencies): Hono {
  const app = createApp('/pricing');
  let made: { readonly day: number; readonly body: string; readonly etag: string } | undefined;
  app.get('/', async (c) => {
    // Prices begin at midnight UTC.
    const day = Math.floor(deps.now() / DAY);
    if (made?.day !== day) {
      const body = JSON.stringify(listPrices(day * DAY));
      made = { day, body, etag: await etagOf(body) };
    }
    c.header('etag', made.etag);
    c.header('cache-control', 'public, max-age=3600');
    if (matches(c.req.header('if-none-match'), made.etag)) return c.body(null, 304);
    return c.body(made.body, 200, { 'content-type': 'application/json' });
  });
  return app;
}

async function etagOf(body: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body));
  const hex = [...new Uint8Array(hash).subarray(0, 12)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `"${hex}"`;
}

/** Weakly, as RFC 9110 wants it for this header: proxies that pack the body mark the tag with `W/`. */
function matches(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
