import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../_shared/database.ts';
import { openProject, type TestProject } from '../_shared/testing/project.ts';
import { handler } from './handler.ts';

let project: TestProject;
beforeAll(async () => {
  project = await openProject();
});
afterAll(() => project.end());

it('GET /status says that all is well, to anybody', async () => {
  const response = await handler(project.deps).request('/status');
  expect([response.status, response.headers.get('cache-control'), await response.json()]).toEqual([
    200,
    'no-store',
    { status: 'ok', database: { status: 'ok', latencyMs: expect.any(Number) }, serverTime: expect.any(Number) },
  ]);
});

it('GET /status says that the database is away', async () => {
  const database = openDatabase('postgres://postgres:x@127.0.0.1:1/postgres');
  const response = await handler({ ...project.deps, database }).request('/status');
  expect([response.status, await response.json()]).toMatchObject([503, { error: { code: 'database_unavailable' } }]);
  await database.end();
});
