import { afterAll, beforeAll, expect, it } from 'vitest';
import { startAuth, type AuthFixture } from './testing/auth-fixture.ts';

let auth: AuthFixture;
let count = 0;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth[Symbol.asyncDispose]());

const password = 'correct horse';

async function session() {
  count += 1;
  const email = `user-${count}@example.com`;
  await auth.user(email, password);
  const { data } = await auth.client().auth.signInWithPassword({ email, password });
  return data.session!;
}
const refresh = (refresh_token: string) => auth.client().auth.refreshSession({ refresh_token });

it('gives the next token for each', async () => {
  const first = await session();
  auth.clock.advance(3_000_000);
  const second = await refresh(first.refresh_token);
  expect(second.error).toBeNull();
  expect(second.data.session!.refresh_token).not.toBe(first.refresh_token);
  expect(second.data.session!.expires_at).toBe(Math.floor(auth.clock.now() / 1_000) + 3_600);
  expect(second.data.user?.id).toBe(first.user.id);
  auth.clock.advance(3_000_000);
  expect((await refresh(second.data.session!.refresh_token)).error).toBeNull();
});

it('gives a client that lost the answer the same token again', async () => {
  const first = await session();
  const second = await refresh(first.refresh_token);
  auth.clock.advance(10_000);
  const again = await refresh(first.refresh_token);
  expect(again.data.session!.refresh_token).toBe(second.data.session!.refresh_token);
});

it('makes one next token however many ask at once', async () => {
  const first = await session();
  let asked: ReturnType<typeof refresh>[] = [];
  await auth.sql.begin(async (sql) => {
    // All have read the token when the first may use it up, unless they wait for each other before.
    await sql`lock table auth.refresh_tokens in share mode`;
    asked = [1, 2, 3].map(() => refresh(first.refresh_token));
    await expect.poll(waiting).toBe(3);
  });
  const answers = await Promise.all(asked);
  expect(answers.map(({ error }) => error)).toEqual([null, null, null]);
  expect(new Set(answers.map(({ data }) => data.session?.refresh_token)).size).toBe(1);
});

async function waiting(): Promise<number> {
  const [row] = await auth.sql<{ count: number }[]>`
    select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return row!.count;
}

it('ends the session of a token that comes back later', async () => {
  const first = await session();
  const second = await refresh(first.refresh_token);
  auth.clock.advance(10_001);
  expect((await refresh(first.refresh_token)).error).toMatchObject({ status: 400, code: 'refresh_token_already_used' });
  // The thief and the owner are both out.
  const next = await refresh(second.data.session!.refresh_token);
  expect(next.error?.code).toBe('refresh_token_not_found');
  const user = await auth.client().auth.getUser(second.data.session!.access_token);
  expect(user.error?.name).toBe('AuthSessionMissingError');
});

it('leaves the user’s other sessions alone', async () => {
  const first = await session();
  const other = await auth.client().auth.signInWithPassword({ email: first.user.email!, password });
  await refresh(first.refresh_token);
  auth.clock.advance(10_001);
  await refresh(first.refresh_token);
  expect((await refresh(other.data.session!.refresh_token)).error).toBeNull();
});

it('knows no others', async () => {
  expect((await refresh('bogus')).error).toMatchObject({ status: 400, code: 'refresh_token_not_found' });
  for (const refresh_token of ['', 'x'.repeat(256), 7, null, { a: 1 }]) {
    expect((await auth.post('/token?grant_type=refresh_token', { refresh_token })).status).toBe(422);
  }
  expect((await auth.post('/token?grant_type=refresh_token', { refresh_token: 'a\0b' })).status).toBe(422);
});
