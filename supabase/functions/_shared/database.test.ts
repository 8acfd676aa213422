import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from './authenticate.ts';
import { openDatabase, type Bucket } from './database.ts';
import { ApiError, problem } from './http.ts';
import { hashKey, makeKey } from './keys.ts';
import { openRelay } from './testing/relay.ts';
import { openProject, type TestOrganisation, type TestProject } from './testing/project.ts';

const USER = 'c0ffee00-0000-4000-8000-000000000001';

let project: TestProject;
let organisation: TestOrganisation;
beforeAll(async () => {
  project = await openProject();
  organisation = await project.organisation('free');
});
afterAll(() => project.end());

const keyCaller = async (key: string): Promise<Caller> => ({ kind: 'key', hash: await hashKey(key) });
const ANYBODY: Caller = { kind: 'anon' };

/** What the database thinks of who it is talking to. */
async function whoAmI(caller: Caller) {
  const [row] = await project.deps.database.as(
    caller,
    (sql) => sql<{ role: string; claims: Record<string, unknown>; path: string; timeout: string }[]>`
      select
        current_user as role,
        current_setting('request.jwt.claims')::jsonb as claims,
        current_setting('search_path') as path,
        current_setting('statement_timeout') as timeout
    `,
  );
  return row!;
}

const codeOf = async (work: Promise<unknown>) => {
  const response = problem(
    await work.then(
      () => new Error('it went through'),
      (error: unknown) => error,
    ),
  );
  const { error } = (await response.json()) as { error: { code: string } };
  return [response.status, error.code];
};

describe('Database.as', () => {
  it('runs as a user, with the user’s claims', async () => {
    const caller: Caller = {
      kind: 'user',
      userId: USER,
      claims: { sub: USER, role: 'service_role', email: "o'x@y.z" },
    };
    expect(await whoAmI(caller)).toEqual({
      role: 'authenticated',
      claims: { sub: USER, role: 'authenticated', email: "o'x@y.z" },
      path: '',
      timeout: '8s',
    });
  });

  it('runs as anon without credentials', async () => {
    expect(await whoAmI(ANYBODY)).toMatchObject({ role: 'anon', claims: { role: 'anon' }, path: '', timeout: '8s' });
  });

  it('runs as an API key, with its organisation and scopes', async () => {
    const { role, claims } = await whoAmI(await keyCaller(await organisation.key('sdk', 'read')));
    expect(role).toBe('authenticated');
    expect(claims).toMatchObject({
      role: 'authenticated',
      kavach_org: organisation.id,
      kavach_scopes: ['sdk', 'read'],
    });
    expect(claims).not.toHaveProperty('sub');
  });

  it('leaves nothing behind on the connection', async () => {
    const database = openDatabase(project.url, { max: 1 });
    const pidOf = (sql: Parameters<Parameters<typeof database.as>[1]>[0]) =>
      sql<{ pid: number; sub: string | null }[]>`select pg_backend_pid() as pid, auth.uid()::text as sub`;
    const caller: Caller = { kind: 'user', userId: USER, claims: { sub: USER } };
    const [first] = await database.as(caller, pidOf);
    const [second] = await database.as(ANYBODY, async (sql) => [
      (await pidOf(sql))[0],
      (await sql`select current_user as role`)[0],
    ]);
    expect(first!.sub).toBe(USER);
    expect(second).toEqual({ pid: first!.pid, sub: null });
    await database.end();
  });

  it.each([
    ['unknown', async () => makeKey('dev'), 'key_invalid'],
    ['revoked', async () => ended('revoked_at'), 'key_revoked'],
    ['expired', async () => ended('expires_at'), 'key_expired'],
  ])('refuses a key that is %s, and runs nothing of the work', async (_, key, code) => {
    let went = 'not yet';
    const work = project.deps.database.as(await keyCaller(await key()), async (sql) => {
      await sql`select 1`;
      went = 'on';
    });
    expect(await codeOf(work)).toEqual([401, code]);
    expect(went).toBe('not yet');
  });

  async function ended(column: 'revoked_at' | 'expires_at'): Promise<string> {
    const key = await organisation.key();
    await project.admin`
      update kavach.api_keys set ${project.admin(column)} = now() - interval '1 second' where hash = ${await hashKey(key)}
    `;
    return key;
  }

  it('does not let work that swallows its errors go on with more rights', async () => {
    const seen: unknown[] = [];
    const work = project.deps.database.as(await keyCaller(makeKey('dev')), async (sql) => {
      for (let i = 0; i < 3; i += 1) {
        seen.push(
          await sql`select current_user as role`.then(
            (rows) => rows[0],
            (error: unknown) => (error as { code: string }).code,
          ),
        );
      }
    });
    expect(await codeOf(work)).toEqual([401, 'key_invalid']);
    expect(seen).toEqual(['25P02', '25P02', '25P02']);
  });

  it('closes the transaction to what comes late: it would run with the rights of the login role', async () => {
    let late: (() => unknown) | undefined;
    await project.deps.database.as(ANYBODY, async (sql) => {
      await sql`select 1`;
      late = () => sql`select current_user`;
    });
    expect(() => late?.()).toThrow('The transaction is over.');
  });

  it('commits what the work did, and nothing of work that fails', async () => {
    const { id } = await project.organisation();
    const admin: Caller = { kind: 'user', userId: USER, claims: {} };
    const name = () =>
      project.admin`select name from kavach.organizations where id = ${id}`.then((rows) => rows[0]?.['name'] as string);
    await project.admin`grant update on kavach.organizations to authenticated`;
    await project.admin`create policy "test" on kavach.organizations for all to authenticated using (true)`;
    await project.deps.database.as(admin, (sql) => sql`update kavach.organizations set name = 'One' where id = ${id}`);
    expect(await name()).toBe('One');
    const failing = project.deps.database.as(admin, async (sql) => {
      await sql`update kavach.organizations set name = 'Two' where id = ${id}`;
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await name()).toBe('One');
  });

  describe('counts requests', () => {
    const callers = {
      key: async () => keyCaller(await (await project.organisation('free')).key()),
      person: async (): Promise<Caller> => ({ kind: 'user', userId: crypto.randomUUID(), claims: {} }),
    };
    type Work = Parameters<typeof project.deps.database.as>[1];
    const works: Record<string, Work> = {
      succeeds: (sql) => sql`select 1`,
      'fails here': async (sql) => {
        await sql`select 1`;
        throw new ApiError(404, 'not_found', 'There is no such thing.');
      },
      'fails in the database': (sql) => sql`select kavach.kill_agent(gen_random_uuid(), 'nobody')`,
    };
    const cases = Object.keys(callers).flatMap((who) => Object.keys(works).map((how) => [who, how] as const));

    it.each(cases)('of a %s whose work %s, and refuses one too many before its work', async (who, how) => {
      const caller = await callers[who as keyof typeof callers]();
      const outcomes: (number | string)[] = [];
      let wentOn = 0;
      const ask = (bucket: Bucket): Promise<Response> =>
        project.deps.database
          .as(
            caller,
            async (sql) => {
              await sql`select 1`;
              wentOn += 1;
              return works[how]!(sql);
            },
            { bucket },
          )
          .then(() => new Response(), problem);
      // The minute may change on the way: at most once, so twice the limit is always enough.
      let refused: Response | undefined;
      for (let i = 0; i < 241 && refused === undefined; i += 1) {
        const response = await ask('api');
        outcomes.push(response.status);
        if (response.status === 429) refused = response;
      }
      expect(outcomes.length).toBeGreaterThan(120);
      expect(wentOn).toBe(outcomes.length - 1);
      expect(Number(refused?.headers.get('retry-after'))).toSatisfy((wait) => wait >= 1 && wait <= 60);
      expect(await refused?.json()).toMatchObject({
        error: { code: 'burst', details: { reason: 'burst', limit: 120, retryAfterSeconds: expect.any(Number) } },
      });
      expect((await ask('connect')).status).toBe(outcomes[0]);
    });
  });

  it.each([true, false])('counts without a round trip of its own (prepared statements: %s)', async (prepare) => {
    const relay = await openRelay(project.url);
    const database = openDatabase(relay.url, { max: 1, prepare });
    const ask = (caller: Caller) => database.as(caller, (sql) => sql`select 1`, { bucket: 'ingest' });
    const caller = await keyCaller(await organisation.key());
    const trips: number[] = [];
    for (const one of [ANYBODY, caller, ANYBODY, caller]) {
      relay.trips();
      await ask(one);
      trips.push(relay.trips());
    }
    await database.end();
    await relay.close();
    const [, , uncounted, counted] = trips;
    expect(counted).toBe(uncounted);
  });

  it('gives up on a statement that takes too long', async () => {
    const database = openDatabase(project.url, { max: 1, statementTimeoutMs: 50 });
    expect(await codeOf(database.as(ANYBODY, (sql) => sql`select pg_sleep(20)`))).toEqual([
      503,
      'database_unavailable',
    ]);
    await database.end();
  });

  it('tells that no database is there', async () => {
    const database = openDatabase('postgres://postgres:x@127.0.0.1:1/postgres');
    expect(await codeOf(database.as(ANYBODY, (sql) => sql`select 1`))).toEqual([503, 'database_unavailable']);
    await database.end();
  });

  it('works through a pooler that forgets prepared statements', async () => {
    const database = openDatabase(project.url, { max: 1, prepare: false });
    const caller = await keyCaller(await organisation.key('read'));
    for (let i = 0; i < 2; i += 1) {
      const [row] = await database.as(caller, (sql) => sql`select ${i}::int as i, current_user as role`);
      expect(row).toEqual({ i, role: 'authenticated' });
    }
    await database.end();
  });
});
