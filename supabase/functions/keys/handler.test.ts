import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { checkKey } from '../_shared/keys.ts';
import { startFixture, type Answer, type Fixture } from '../_operator/testing/fixture.ts';
import type { Page } from '../_operator/page.ts';
import type { KeyView } from './key-list.ts';
import { handler, type NewKey } from './handler.ts';

let fixture: Fixture;
let app: Hono;
beforeAll(async () => {
  fixture = await startFixture();
  app = handler(fixture.deps);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const create = (as: string, body: object): Promise<Answer<NewKey>> => fixture.send(app, 'POST /keys', { as, body });
const list = (as: string): Promise<Answer<Page<KeyView>>> => fixture.send(app, 'GET /keys?limit=200', { as });

describe('POST /keys', () => {
  it('shows a new key once, and it works', async () => {
    const { send, acme, sql } = fixture;
    const made = await create(acme.owner, { name: 'Ops', environment: 'dev', scopes: ['admin', 'read', 'read'] });
    expect(made.status).toBe(201);
    const { key, ...shown } = made.body;
    expect(key).toMatch(/^ak_dev_/);
    expect(checkKey(key)).toBe(true);
    expect(shown).toEqual({
      id: expect.any(String),
      name: 'Ops',
      environment: 'dev',
      prefix: key.slice(0, 12),
      scopes: ['admin', 'read'],
      createdAt: expect.any(String),
      lastUsedAt: null,
      expiresAt: null,
      revokedAt: null,
      replacedBy: null,
    });
    expect((await send(app, 'GET /keys', { as: key })).status).toBe(200);
    const listed = await list(acme.owner);
    expect(listed.body.items[0]).toMatchObject({ id: shown.id, name: 'Ops' });
    expect(JSON.stringify(listed.body)).not.toContain(key);
    const stored = await sql`select from kavach.api_keys k where k::text like ${`%${key}%`}`;
    expect(stored.count).toBe(0);
  });

  it('makes a key for agents unless told otherwise', async () => {
    const made = await create(fixture.acme.owner, { name: 'App' });
    expect(made.body).toMatchObject({ environment: 'prod', scopes: ['sdk'], key: expect.stringMatching(/^ak_prod_/) });
  });

  it('lets a key hand out only the scopes that it has', async () => {
    const { acme } = fixture;
    const admin = await fixture.key(acme.id, ['admin', 'read']);
    expect((await create(admin, { name: 'fine', scopes: ['read'] })).status).toBe(201);
    const more = await create(admin, { name: 'more', scopes: ['read', 'sdk', 'control'] }); // sdk goes with admin
    expect(more).toMatchObject({
      status: 403,
      body: { error: { code: 'forbidden', details: { lacking: ['control'] } } },
    });
  });

  it('refuses what is wrong, by its name', async () => {
    for (const [body, path] of [
      [{}, 'name'],
      [{ name: '' }, 'name'],
      [{ name: 'a\0b' }, 'name'],
      [{ name: 'x'.repeat(101) }, 'name'],
      [{ name: 'x', scopes: [] }, 'scopes'],
      [{ name: 'x', scopes: ['root'] }, 'scopes.0'],
      [{ name: 'x', environment: 'test' }, 'environment'],
      [{ name: 'x', hash: 'y' }, ''],
    ] as const) {
      const { status, body: answer } = await create(fixture.acme.owner, body);
      expect(status).toBe(422);
      expect(answer.error).toMatchObject({ code: 'invalid', details: [{ path }] });
    }
  });
});

describe('DELETE /keys/:id', () => {
  it('ends a key at once', async () => {
    const { send, acme } = fixture;
    const made = await create(acme.owner, { name: 'short', scopes: ['admin', 'read'] });
    expect((await send(app, `DELETE /keys/${made.body.id}`, { as: acme.keys.admin })).status).toBe(204);
    expect(await send(app, 'GET /keys', { as: made.body.key })).toMatchObject({
      status: 401,
      body: { error: { code: 'key_revoked' } },
    });
    const { body } = await list(acme.owner);
    const revoked = body.items.find(({ id }) => id === made.body.id);
    expect(revoked?.revokedAt).toMatch(/Z$/);
  });
});

describe('POST /keys/:id/rotate', () => {
  it('gives a new key, and lets the old one work for a while', async () => {
    const { send, acme } = fixture;
    const made = await create(acme.owner, { name: 'turn', environment: 'dev', scopes: ['admin', 'read'] });
    const turned = await send<NewKey>(app, `POST /keys/${made.body.id}/rotate`, {
      as: acme.owner,
      body: { graceHours: 2 },
    });
    expect(turned.status).toBe(201);
    expect(turned.body).toMatchObject({ name: 'turn', environment: 'dev', scopes: ['admin', 'read'] });
    expect(turned.body.id).not.toBe(made.body.id);
    for (const as of [made.body.key, turned.body.key]) expect((await send(app, 'GET /keys', { as })).status).toBe(200);
    const { body } = await list(acme.owner);
    const old = body.items.find(({ id }) => id === made.body.id);
    expect(old?.replacedBy).toBe(turned.body.id);
    const hours = (Date.parse(old!.expiresAt!) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(1.9);
    expect(hours).toBeLessThanOrEqual(2);
    const again = await send(app, `POST /keys/${made.body.id}/rotate`, { as: acme.owner });
    expect(again).toMatchObject({ status: 409, body: { error: { code: 'key_ended' } } });
  });

  it('ends the old key at once without grace, and after a day unless told', async () => {
    const { send, acme } = fixture;
    const made = await create(acme.owner, { name: 'now', scopes: ['admin', 'read'] });
    const turned = await send<NewKey>(app, `POST /keys/${made.body.id}/rotate`, {
      as: acme.owner,
      body: { graceHours: 0 },
    });
    expect((await send(app, 'GET /keys', { as: made.body.key })).status).toBe(401);
    await send(app, `POST /keys/${turned.body.id}/rotate`, { as: acme.owner });
    const { body } = await list(acme.owner);
    const old = body.items.find(({ id }) => id === turned.body.id);
    expect((Date.parse(old!.expiresAt!) - Date.now()) / 3_600_000).toBeCloseTo(24, 1);
    for (const graceHours of [-1, 169, '1']) {
      const wrong = await send(app, `POST /keys/${made.body.id}/rotate`, { as: acme.owner, body: { graceHours } });
      expect(wrong.status).toBe(422);
    }
  });

  it('is no way to a scope that the rotating key lacks', async () => {
    const { send, acme } = fixture;
    const target = await create(acme.owner, { name: 'strong', scopes: ['sdk', 'control'] });
    const admin = await fixture.key(acme.id, ['admin', 'read']);
    const turned = await send<NewKey>(app, `POST /keys/${target.body.id}/rotate`, { as: admin });
    expect(turned.status).toBe(403);
  });
});

describe('who may', () => {
  it('is admins of the organisation only', async () => {
    const { send, acme, rival } = fixture;
    const made = await create(acme.owner, { name: 'ours' });
    const { id } = made.body;
    for (const request of ['GET /keys', 'POST /keys', `DELETE /keys/${id}`, `POST /keys/${id}/rotate`]) {
      const body = request === 'POST /keys' ? { name: 'x' } : undefined;
      expect((await send(app, request, { body })).status).toBe(401);
      for (const as of [acme.member, acme.keys.sdk, acme.keys.read, acme.keys.control]) {
        expect((await send(app, request, { as, body })).status).toBe(403);
      }
    }
    for (const request of [`DELETE /keys/${id}`, `POST /keys/${id}/rotate`, `DELETE /keys/${randomUUID()}`]) {
      for (const as of [rival.owner, rival.keys.admin]) {
        expect(await send(app, request, { as })).toMatchObject({
          status: 404,
          body: { error: { code: 'key_not_found' } },
        });
      }
    }
    expect((await send(app, 'DELETE /keys/x', { as: acme.owner })).status).toBe(404);
    const theirs = await list(rival.owner);
    expect(theirs.body.items.some((key) => key.id === id)).toBe(false);
    const { body } = await list(acme.owner);
    expect(body.items.find((key) => key.id === id)).toMatchObject({
      revokedAt: null,
      replacedBy: null,
    });
  });

  it('is no key that may change but not look', async () => {
    const blind = await fixture.key(fixture.acme.id, ['admin']);
    expect(await fixture.send(app, 'GET /keys', { as: blind })).toMatchObject({
      status: 403,
      body: { error: { code: 'forbidden', details: { scope: 'read' } } },
    });
  });

  it('is anyone whose key is real: a mistyped one is told from none', async () => {
    const { send, acme } = fixture;
    const last = acme.keys.admin.at(-1) === 'a' ? 'b' : 'a';
    const mistyped = acme.keys.admin.slice(0, -1) + last;
    expect(await send(app, 'GET /keys', { as: mistyped })).toMatchObject({
      status: 401,
      body: { error: { code: 'key_invalid' } },
    });
  });
});
