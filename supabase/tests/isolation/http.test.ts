/** Every path as everybody: what is answered is stated, and nothing of the victim's is read or written. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callersOf, type Caller } from './testing/callers.ts';
import { PATHS, requestOf, type Path } from './testing/paths.ts';
import { snapshotsOf, type Snapshot } from './testing/snapshot.ts';
import { startStage, type Stage } from './testing/stage.ts';
import { sign } from './testing/tokens.ts';

let stage: Stage;
let callers: readonly Caller[];
let snapshot: () => Promise<Snapshot>;

beforeAll(async () => {
  stage = await startStage();
  callers = await callersOf(stage);
  snapshot = await snapshotsOf(stage.admin, stage.rival);
});
afterAll(() => stage[Symbol.asyncDispose]());

/** The victim's secrets in an answer, and in what was sent elsewhere, but for those that the request named itself. */
function leaks(answer: string, asked: string): string[] {
  const { secrets } = stage.victim;
  let text = `${answer}\n${stage.outgoing.join('\n')}`.toLowerCase();
  const named = asked.toLowerCase();
  // The longest first: a name may be a part of another.
  const words = [...named.matchAll(/[\w@.-]*canary[\w@.-]*/g)].map(([word]) => word);
  for (const word of words.toSorted((a, b) => b.length - a.length)) text = text.replaceAll(word, '');
  return secrets.filter((secret) => text.includes(secret.toLowerCase()) && !named.includes(secret.toLowerCase()));
}

async function ask(path: Path, headers: Readonly<Record<string, string>>) {
  const request = requestOf(path, stage.victim);
  const body = path.body === undefined ? undefined : JSON.stringify(path.body(stage.victim));
  stage.outgoing.length = 0;
  const answer = await stage.send(request, headers, body);
  return {
    ...answer,
    answered: [answer.status, answer.code].filter(Boolean).join(' '),
    leaked: leaks(answer.text, `${request}\n${body}`),
  };
}

describe('the walk', () => {
  it('has every function and every route, and none that is gone', () => {
    const folder = fileURLToPath(new URL('../../functions/', import.meta.url));
    const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const functions = folders.map(({ name }) => name).filter((name) => !name.startsWith('_'));
    expect([...stage.apps.keys()].toSorted()).toEqual(functions.toSorted());
    const routes = [...stage.apps.values()].flatMap((app) =>
      app.routes
        .filter(({ path, method }) => !(method === 'ALL' && path.endsWith('/*')))
        .map(({ method, path }) => `${method} ${path}`),
    );
    expect([...new Set(PATHS.map(({ route }) => route))].toSorted()).toEqual([...new Set(routes)].toSorted());
  });

  const NAMES = PATHS.map((path) => [path.route + path.query, path] as const);

  it.each(NAMES)('%s', async (_, path) => {
    const before = await snapshot();
    const [answers, expected]: Record<string, string>[] = [{}, {}];
    for (const caller of callers) {
      const cell = path.cells[caller.column];
      const mayWrite = cell === 'yes' && !path.route.startsWith('GET ');
      if (mayWrite) continue;
      const { answered, leaked } = await ask(path, caller.headers);
      answers![caller.name] = answered;
      expected![caller.name] = cell === 'yes' ? '200' : cell === 'refused' ? caller.refusal : cell;
      if (cell !== 'yes') expect({ caller: caller.name, leaked }).toEqual({ caller: caller.name, leaked: [] });
      expect({ caller: caller.name, rows: await snapshot() }).toEqual({ caller: caller.name, rows: before });
    }
    expect(answers).toEqual(expected);
  });

  it('does not take other methods than those that it has', async () => {
    const { headers } = callers.find(({ column }) => column === 'admin')!;
    for (const path of PATHS) {
      const methods = PATHS.filter(({ route }) => route.split(' ')[1] === path.route.split(' ')[1]).map(
        ({ route }) => route.split(' ')[0],
      );
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND']) {
        if (methods.includes(method)) continue;
        if (method === 'TRACE') continue;
        const request = requestOf(path, stage.victim).replace(/^\w+/, method);
        const { status } = await stage.send(request, headers);
        expect([request, status]).toEqual([request, expect.toBeOneOf([404, 405])]);
      }
    }
  });

  it('asks what the victim itself is answered, and shown', async () => {
    const owner = await sign({ sub: stage.victim.ownerId, email: stage.victim.ownerEmail });
    const shown: string[] = [];
    for (const path of PATHS) {
      if (path.control === undefined) continue;
      const [who, status] = path.control;
      const answer = await ask(path, { authorization: `Bearer ${who === 'owner' ? owner : stage.victim.keys.sdk}` });
      expect([path.route, answer.status, answer.text]).toEqual([path.route, status, expect.anything()]);
      if (answer.leaked.length > 0) shown.push(path.route);
    }
    const reads = PATHS.filter(({ route }) => route.startsWith('GET ') && !/status|pricing/.test(route)).map(
      ({ route }) => route,
    );
    expect(reads.filter((route) => !shown.includes(route))).toEqual([]);
  });
});
