/** What the auth server would mail: kept in memory for a page on this machine, and announced in the log. */
import { Hono } from 'hono';
import { html } from 'hono/html';
import type { Mail } from '../auth/index.ts';

const KEPT = 100;

/** A mail that stayed here. */
interface Kept {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly mail: Mail;
}

/** The mails of this run, and the pages that show them. */
export interface Outbox {
  /** Takes a mail, as a mail server would. */
  send(mail: Mail): Promise<void>;
  /** `/outbox` and `/outbox.json`. */
  readonly app: Hono;
}

/** An empty outbox; it keeps the newest hundred. */
export function createOutbox(log: (line: string) => void, now: () => number = Date.now): Outbox {
  const kept: Kept[] = [];
  const app = new Hono();
  // No CORS headers: another site's page must not read sign-in codes here.
  app.get('/outbox.json', (c) =>
    c.json(
      kept.map(({ at, mail }) => ({ at: new Date(at).toISOString(), ...mail })),
      200,
      { 'cache-control': 'no-store' },
    ),
  );
  app.get('/outbox', (c) => {
    c.header('cache-control', 'no-store');
    c.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    return c.html(page(kept));
  });
  return {
    send: async (mail) => {
      kept.unshift({ at: now(), mail });
      kept.splice(KEPT);
      log(`Mail to ${mail.to} (${mail.type}): the code is ${mail.code}`);
    },
    app,
  };
}

function page(kept: readonly Kept[]): ReturnType<typeof html> {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Outbox</title>
        <style>
          body {
            font: 16px/1.5 system-ui;
            max-width: 44rem;
            margin: 2rem auto;
            padding: 0 1rem;
          }
          article {
            border-top: 1px solid #8886;
            padding: 1rem 0;
          }
          a {
            overflow-wrap: anywhere;
          }
        </style>
      </head>
      <body>
        <h1>Outbox</h1>
        <p>Mails that this machine would have sent, newest first. Reload for more.</p>
        ${kept.map(
          ({ at, mail }) =>
            html`<article>
              <strong>${mail.code}</strong> for ${mail.to} (${mail.type}), ${new Date(at).toISOString()}<br />
              <a href="${mail.link}">${mail.link}</a>
            </article>`,
        )}
      </body>
    </html>`;
}
