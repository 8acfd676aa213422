/** What a rival with every right of its own can write into requests: it reaches nothing of the victim, and breaks nothing. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listenOn, type Listening } from '../../../packages/embedded/src/host/port.ts';
import { routes } from '../../../packages/embedded/src/host/routes.ts';
import { callersOf } from './testing/callers.ts';
import { PATHS, requestOf } from './testing/paths.ts';
import { snapshotsOf, type Snapshot } from './testing/snapshot.ts';
import { startStage, type Stage } from './testing/stage.ts';

type Headers = Readonly<Record<string, string>>;

let stage: Stage;
let snapshot: () => Promise<Snapshot>;
/** Of the rival: a key with all scopes, and its owner. */
const rivals: Headers[] = [];
let listening: Listening;

beforeAll(async () => {
  stage = await startStage();
  snapshot = await snapshotsOf(stage.admin, stage.rival);
  const callers = await callersOf(stage);
  for (const column of ['key', 'user'] as const)
    rivals.push(callers.find((caller) => caller.column === column)!.headers);
  listening = await listenOn(0);
  listening.server.removeAllListeners('request').on(
    'request',
    routes({
      functions: stage.apps,
      auth: new Hono(),
      realtime: { handleRest: () => false },
      outbox: new Hono(),
      isHealthy: () => Promise.resolve(true),
    }),
  );
});
afterAll(async () => {
  await listening.close();
  await stage[Symbol.asyncDispose]();
});

/** Secrets in a text that did not come with the request. */
function leaks(answer: string, asked: string): string[] {
  return stage.victim.secrets.filter(
    (secret) => secret !== 'canary' && answer.includes(secret) && !asked.includes(secret),
  );
}

/** Sends a request line as it is, past every library that would put it in order. */
async function wire(path: string, headers: Readonly<Record<string, string | string[]>>, method = 'GET') {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string; headers: Headers }>();
  const sent = request({ port: new URL(listening.url).port, host: '127.0.0.1', path, method, headers }, (response) => {
    text(response).then(
      (body) => resolve({ status: response.statusCode ?? 0, body, headers: response.headers as Headers }),
      reject,
    );
  });
  sent.on('error', reject).end();
  return promise;
}

/** Every text in a value, replaced one at a time. */
function* replaced(value: unknown, by: string): Generator {
  if (typeof value === 'string') yield by;
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    for (const next of replaced(inner, by)) {
      yield Array.isArray(value) ? value.with(Number(name), next) : { ...value, [name]: next };
    }
  }
}

const TEXTS = [
  `' or org_id is not null or '`, `'; delete from kavach.agents; --`, `\\'); select private.run_jobs(); --`, '$1::text || ${org}',
  '{"kavach_org":"*"}', '%_%', 'a\0b', '\ud800', '__proto__', 'x'.repeat(3_000), '\u202e\r\nx-kavach-org: *', '-infinity',
]; // prettier-ignore

describe('texts that are meant for somebody else', () => {
  it.each(TEXTS.map((hostile) => [JSON.stringify(hostile).slice(0, 60), hostile] as const))(
    '%s',
    async (_, hostile) => {
      const before = await snapshot();
      for (const [index, path] of PATHS.entries()) {
        const line = requestOf(path, stage.victim);
        const encoded = encodeURIComponent(hostile.toWellFormed());
        const lines = [
          line,
          line.replace(/=[^&]*/, `=${encoded}`),
          requestOf({ ...path, parameter: () => hostile.toWellFormed() }, stage.victim),
        ];
        const good = path.body?.(stage.victim);
        const bodies = good === undefined ? [undefined] : [...replaced(good, hostile)];
        for (const [asked, body] of [
          ...lines.slice(1).map((other) => [other, good] as const),
          ...bodies.map((other) => [line, other] as const),
        ]) {
          const content = body === undefined ? undefined : JSON.stringify(body);
          const answer = await stage.send(asked, rivals[index % 2]!, content);
          expect([asked, content, answer.status]).toEqual([
            asked,
            content,
            expect.toSatisfy((status: number) => status < 500),
          ]);
          expect([asked, leaks(answer.text, `${asked}\n${content}`)]).toEqual([asked, []]);
        }
      }
      expect(await snapshot()).toEqual(before);
    },
  );

  it('in the header that names the organisation', async () => {
    const { org } = stage.victim;
    for (const named of [
      org,
      `${stage.rival}, ${org}`,
      `${org},${stage.rival}`,
      `{${org}}`,
      org.replaceAll('-', ''),
      `${stage.rival}' or true--`,
      '*',
      '',
    ]) {
      const { status, text } = await stage.send('GET /agents', { ...rivals[0]!, 'x-kavach-org': named });
      expect([named, status, leaks(text, named)]).toEqual([named, 404, []]);
    }
    const twice = await wire('/functions/v1/agents', { ...rivals[0]!, 'x-kavach-org': [stage.rival, org] });
    expect(twice.status).toBe(404);
    for (const other of [
      'x_kavach_org',
      'x-kavach-org2',
      'kavach-org',
      'x-forwarded-kavach-org',
      'x-original-url',
      'x-rewrite-url',
      'x-http-method-override',
    ]) {
      const { status, body } = await wire('/functions/v1/agents', { ...rivals[0]!, [other]: org });
      expect([other, status, leaks(body, org)]).toEqual([other, 200, []]);
    }
  });

  it('as a prototype', async () => {
    for (const path of PATHS) {
      const good = path.body?.(stage.victim);
      if (good === undefined) continue;
      for (const name of ['__proto__', 'constructor']) {
        const body = JSON.stringify(good).replace(
          '{',
          `{"${name}":{"prototype":{"polluted":1},"polluted":1,"scopes":["admin"],"reason":"cost"},`,
        );
        const { status, text } = await stage.send(requestOf(path, stage.victim), rivals[0]!, body);
        expect([path.route, status]).toEqual([path.route, expect.toBeOneOf([400, 401, 403, 404, 422])]);
        expect(leaks(text, body)).toEqual([]);
      }
    }
    expect('polluted' in {}).toBe(false);
  });
});

describe('bodies that unpack to more than they are', () => {
  const bomb = gzipSync(Buffer.alloc(20_000_000));
  it.each([
    ['gzip', 'once', bomb, [413]],
    ['gzip', 'twice', gzipSync(bomb), [400, 413]],
    ['gzip, gzip', 'twice', gzipSync(bomb), [415]],
    ['br', 'once', bomb, [415]],
  ] as const)('%s, packed %s', async (encoding, _, body, statuses) => {
    for (const path of PATHS) {
      const name = /^POST \/(\w+)/.exec(path.route)?.[1];
      if (name === undefined || path.body === undefined || path.route.startsWith('POST /auth/password')) continue;
      const answer = await stage.apps
        .get(name)!
        .request(`https://project.example${requestOf(path, stage.victim).slice(5)}`, {
          method: 'POST',
          headers: { ...rivals[0]!, 'content-encoding': encoding },
          body: new Uint8Array(body),
        });
      expect([path.route, answer.status]).toEqual([path.route, expect.toBeOneOf([...statuses])]);
    }
  });
});

describe('on the wire', () => {
  it.each([
    ['/functions/v1/status/../agents', 404],
    ['/functions/v1/status/%2e%2e/agents', 404],
    ['/functions/v1/status%2f..%2fagents', 404],
    ['//functions/v1/agents', 404],
    ['/functions/v1//agents', 404],
    ['/functions/v1/agents/..%2fkeys', 404],
    ['/functions/v1/agents/canary-agent%2fruns', 404],
    ['/functions/v1/agents/canary-agent//runs', 404],
    ['/functions/v1/agents/canary-agent%00', 404],
    ['/functions/v1/agents/%ff', 404],
    ['/functions/v1/agents/%', 404],
    ['/functions/v1/__proto__/x', 404],
    ['/functions/v1/constructor', 404],
    ['/auth/v1/../functions/v1/agents', 404],
    ['http://127.0.0.1/functions/v1/agents', 404],
    [`/functions/v1/agents/${'x'.repeat(10_000)}`, 404],
    [`/functions/v1/agents/${'x'.repeat(20_000)}`, 431],
  ])('%.80s leads nowhere', async (path, status) => {
    const answer = await wire(path, rivals[0]!);
    expect([answer.status, leaks(answer.body, path)]).toEqual([status, []]);
  });

  it.each([
    'rival.example',
    '127.0.0.1.rival.example',
    'localhost.rival.example',
    'rival.example@127.0.0.1',
    '127.0.0.1/rival',
    '10.0.0.1',
    'localhost.',
  ])('a page that calls this machine %s is sent away', async (host) => {
    for (const name of stage.apps.keys()) {
      expect((await wire(`/functions/v1/${name}`, { ...rivals[0]!, host })).status).toBe(403);
    }
  });

  it('no other page’s cookies or sessions are asked for', async () => {
    for (const path of PATHS) {
      for (const method of ['OPTIONS', 'GET']) {
        const origin = { origin: 'https://rival.example', cookie: 'a=b', 'access-control-request-method': 'POST' };
        const { headers } = await wire(`/functions/v1${requestOf(path, stage.victim).split(' ')[1]!}`, origin, method);
        expect(headers['access-control-allow-origin']).toBe('*');
        expect(headers).not.toHaveProperty('access-control-allow-credentials');
        expect(headers).not.toHaveProperty('set-cookie');
      }
    }
  });
});
