import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectKey, startAuth, type AuthFixture } from './testing/auth-fixture.ts';

let auth: AuthFixture;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth[Symbol.asyncDispose]());

const password = 'correct horse';

it('is for holders of the service key', async () => {
  await auth.user('plain@example.com', password);
  const { data } = await auth.client().auth.signInWithPassword({ email: 'plain@example.com', password });
  const id = data.user!.id;
  for (const [key, code] of [
    [await projectKey('anon'), 'not_admin'],
    [await projectKey('authenticated'), 'not_admin'],
    [data.session!.access_token, 'not_admin'],
    [await projectKey('service_role', 'another-secret-that-also-has-more-than-32-bytes'), 'bad_jwt'],
    ['x', 'bad_jwt'],
  ]) {
    const { admin } = auth.client(key).auth;
    for (const { error } of [
      await admin.listUsers(),
      await admin.getUserById(id),
      await admin.createUser({ email: 'new@example.com' }),
      await admin.updateUserById(id, { password: 'another horse' }),
      await admin.deleteUser(id),
    ]) {
      expect(error).toMatchObject({ status: 403, code });
    }
  }
  for (const path of ['/admin/users', '/admin/anything', '/admin']) {
    expect((await auth.request(path)).status).toBeGreaterThanOrEqual(401);
  }
  expect(await auth.sql`select 1 from auth.users`).toHaveLength(1);
});

it('creates, reads, changes and deletes users', async () => {
  const { admin } = (await auth.admin()).auth;
  const created = await admin.createUser({
    email: 'Made@Example.com',
    password,
    user_metadata: { a: 1 },
    app_metadata: { plan: 'pro', provider: 'forged' },
  });
  expect(created.data.user).toMatchObject({
    email: 'made@example.com',
    user_metadata: { a: 1 },
    app_metadata: { plan: 'pro', provider: 'email', providers: ['email'] },
  });
  const id = created.data.user!.id;
  const signIn = (secret = password) =>
    auth.client().auth.signInWithPassword({ email: 'made@example.com', password: secret });
  expect((await signIn()).error?.code).toBe('email_not_confirmed');
  const confirmed = await admin.updateUserById(id, { email_confirm: true, app_metadata: { plan: null, x: 2 } });
  expect(confirmed.data.user?.app_metadata).toEqual({ provider: 'email', providers: ['email'], x: 2 });
  const before = await signIn();
  expect(before.error).toBeNull();

  await admin.updateUserById(id, { password: 'another horse' });
  expect((await signIn()).error?.code).toBe('invalid_credentials');
  expect((await auth.client().auth.getUser(before.data.session!.access_token)).error).not.toBeNull();
  expect((await signIn('another horse')).error).toBeNull();

  expect((await admin.updateUserById(id, { email: 'moved@example.com' })).data.user?.email).toBe('moved@example.com');
  expect((await admin.createUser({ email: 'moved@example.com' })).error?.code).toBe('email_exists');
  expect((await admin.getUserById(id)).data.user?.email).toBe('moved@example.com');
  expect((await admin.deleteUser(id)).error).toBeNull();
  expect((await admin.getUserById(id)).error).toMatchObject({ status: 404, code: 'user_not_found' });
  expect((await admin.deleteUser(id)).error?.code).toBe('user_not_found');
});

it('lists users by page', async () => {
  const { admin } = (await auth.admin()).auth;
  await auth.sql`delete from auth.users`;
  for (let i = 0; i < 5; i += 1) await admin.createUser({ email: `user-${i}@example.com` });
  const emails = async (page?: number, perPage?: number) => {
    const { data, error } = await admin.listUsers({ ...(page && { page }), ...(perPage && { perPage }) });
    if (error) throw error;
    return {
      emails: data.users.map(({ email }) => email),
      next: data.nextPage,
      last: data.lastPage,
      total: data.total,
    };
  };
  const all = [0, 1, 2, 3, 4].map((i) => `user-${i}@example.com`);
  expect(await emails()).toEqual({ emails: all, next: null, last: 1, total: 5 });
  expect(await emails(1, 2)).toEqual({ emails: all.slice(0, 2), next: 2, last: 3, total: 5 });
  expect(await emails(3, 2)).toEqual({ emails: all.slice(4), next: null, last: 3, total: 5 });
  const key = await projectKey('service_role');
  for (const query of ['page=-1', 'page=1e99', 'per_page=1e9', 'per_page=x', 'page=1.5']) {
    const answer = await auth.request(`/admin/users?${query}`, { headers: { authorization: `Bearer ${key}` } });
    expect(await answer.json()).toMatchObject({ users: { length: 5 } });
  }
});

it('refuses what it cannot do, and ids that are none', async () => {
  const { admin } = (await auth.admin()).auth;
  const { data } = await admin.createUser({ email: 'kept@example.com' });
  const id = data.user!.id;
  for (const attributes of [
    { ban_duration: '1h' },
    { phone: '123' },
    { role: 'service_role' },
    { password: 'short' },
  ]) {
    expect((await admin.updateUserById(id, attributes)).error?.status).toBe(422);
  }
  expect((await admin.createUser({ password })).error?.status).toBe(422);
  expect((await admin.deleteUser(id, true)).error?.code).toBe('validation_failed');
  const key = await projectKey('service_role');
  for (const path of ['/admin/users/x', "/admin/users/' or 1=1--"]) {
    expect((await auth.request(path, { headers: { authorization: `Bearer ${key}` } })).status).toBe(404);
  }
  expect((await admin.getUserById(id)).error).toBeNull();
  expect(auth.reported).toEqual([]);
});

it('says that a user is still referred to', async () => {
  const { admin } = (await auth.admin()).auth;
  const { data } = await admin.createUser({ email: 'referred@example.com' });
  const id = data.user!.id;
  await auth.sql`create table public.refers (user_id uuid references auth.users)`;
  await auth.sql`insert into public.refers values (${id})`;
  expect((await admin.deleteUser(id)).error).toMatchObject({ status: 409, code: 'conflict' });
});
