import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callerOf } from './authenticate.ts';
import { createApp } from './http.ts';
import { organisationOf } from './organisation.ts';
import { openProject, userToken, type TestOrganisation, type TestProject } from './testing/project.ts';

let project: TestProject;
let ours: TestOrganisation;
let theirs: TestOrganisation;
beforeAll(async () => {
  project = await openProject();
  [ours, theirs] = [await project.organisation(), await project.organisation()];
});
afterAll(() => project.end());

async function ask(token: string | undefined, asked?: string) {
  const app = createApp('/which');
  app.get('/', async (c) => {
    const caller = await callerOf(c, project.deps, { anonymous: true });
    return c.json({ id: await project.deps.database.as(caller, (sql) => organisationOf(sql, c, caller)) });
  });
  const headers = new Headers();
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  if (asked !== undefined) headers.set('x-kavach-org', asked);
  const response = await app.request('/which', { headers });
  const body = (await response.json()) as { id?: string; error?: { code: string } };
  return body.id ?? [response.status, body.error?.code];
}

describe('organisationOf', () => {
  it('is a key’s own, whatever its scopes', async () => {
    expect(await ask(await ours.key())).toBe(ours.id);
    expect(await ask(await ours.key('admin'), ours.id.toUpperCase())).toBe(ours.id);
  });

  it('is a user’s only one', async () => {
    expect(await ask(await ours.member())).toBe(ours.id);
  });

  it('is the one that the header names, where there are several', async () => {
    const user = crypto.randomUUID();
    await project.admin`insert into auth.users (id, email) values (${user}, ${`${user}@example.com`})`;
    const token = await userToken(user);
    expect(await ask(token)).toEqual([409, 'organization_required']);
    for (const { id } of [ours, theirs]) {
      await project.admin`insert into kavach.members (org_id, user_id, role) values (${id}, ${user}, 'member')`;
    }
    expect(await ask(token)).toEqual([409, 'organization_required']);
    expect(await ask(token, theirs.id)).toBe(theirs.id);
  });

  it.each(['', 'x', "' or true --", 'c0ffee00-0000-4000-8000-000000000001'])(
    'is not found for the header %j',
    async (asked) => {
      expect(await ask(await ours.member('owner'), asked)).toEqual([404, 'organization_not_found']);
      expect(await ask(await ours.key(), asked)).toEqual([404, 'organization_not_found']);
    },
  );

  it('is not found where it is another’s, which looks the same', async () => {
    expect(await ask(await ours.member('owner'), theirs.id)).toEqual([404, 'organization_not_found']);
    expect(await ask(await ours.key('admin'), theirs.id)).toEqual([404, 'organization_not_found']);
  });

  it('asks for credentials', async () => {
    expect(await ask(undefined)).toEqual([401, 'credentials_required']);
  });
});
