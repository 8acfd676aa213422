/** A project for tests of handlers: a real database, the dependencies on it, and organisations with keys. */
import { createDatabase } from '@agentkavach/embedded/testing';
import { SignJWT } from 'jose';
import postgres from 'postgres';
import { openDatabase } from '../database.ts';
import type { Dependencies, Settings } from '../dependencies.ts';
import { hashKey, makeKey, prefixOf } from '../keys.ts';

const JWT_SECRET = 'a-secret-of-more-than-thirty-two-characters';

export interface TestOrganisation {
  readonly id: string;
  /** A key with the scopes; default `sdk`. */
  key(...scopes: ('sdk' | 'read' | 'control' | 'admin')[]): Promise<string>;
  /** A token of a new user who belongs to it. */
  member(role?: 'owner' | 'admin' | 'member'): Promise<string>;
}

export interface TestProject {
  readonly deps: Dependencies;
  /** As the login role of the functions. */
  readonly url: string;
  /** As the superuser: sees and changes everything. */
  readonly admin: postgres.Sql;
  organisation(plan?: 'free' | 'pro' | 'max'): Promise<TestOrganisation>;
  end(): Promise<void>;
}

/** @param settings replaces some of the settings */
export async function openProject(settings: Partial<Settings> = {}): Promise<TestProject> {
  const database = await createDatabase();
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => undefined });
  const deps: Dependencies = {
    database: openDatabase(database.url),
    settings: { supabaseUrl: 'https://project.example', anonKey: 'anon', jwtSecret: JWT_SECRET, ...settings },
    fetch: () => Promise.reject(new TypeError('no network in this test')),
    now: () => Date.now(),
  };
  return {
    deps,
    url: database.url,
    admin,
    organisation: (plan = 'max') => newOrganisation(admin, plan),
    end: async () => {
      await Promise.all([deps.database.end(), admin.end()]);
      await database.drop();
    },
  };
}

async function newOrganisation(admin: postgres.Sql, plan: string): Promise<TestOrganisation> {
  const id = crypto.randomUUID();
  await admin`insert into kavach.organizations (id, name, plan_id) values (${id}, 'Test', ${plan})`;
  return {
    id,
    key: async (...scopes) => {
      const key = makeKey('dev');
      await admin`
        insert into kavach.api_keys (org_id, name, environment, prefix, hash, scopes)
        values (${id}, 'test', 'dev', ${prefixOf(key)}, ${await hashKey(key)}, ${scopes.length === 0 ? ['sdk'] : scopes})
      `;
      return key;
    },
    member: async (role = 'member') => {
      const user = crypto.randomUUID();
      await admin`insert into auth.users (id, email) values (${user}, ${`${user}@example.com`})`;
      await admin`insert into kavach.members (org_id, user_id, role) values (${id}, ${user}, ${role})`;
      return userToken(user);
    },
  };
}

/** A token as the auth server signs it. */
export function userToken(user: string): Promise<string> {
  return new SignJWT({ role: 'authenticated', email: `${user}@example.com` })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setAudience('authenticated')
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(JWT_SECRET));
}
