/** Every table, view and function of our schemas as everybody, straight in the database: what the Data API could reach. */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { snapshotsOf, type Snapshot } from './testing/snapshot.ts';
import { startStage, type Stage } from './testing/stage.ts';
import type { Victim } from './testing/victim.ts';

type Claims = Readonly<Record<string, unknown>>;

let stage: Stage;
let snapshot: () => Promise<Snapshot>;
const callers = new Map<string, Claims | null>();

/** Columns of the table of functions. `nobody` (the role anon) is refused everywhere. */
const CALLERS = [
  'an owner elsewhere',
  'a key elsewhere',
  'somebody without an organisation',
  'a listening token',
] as const;
/** Who belongs to the victim, and may read no table. */
const INSIDERS = ['a key with the scope sdk', 'a key with the scope control'] as const;
const EVERYBODY = [...CALLERS, ...INSIDERS, 'nobody'] as const;

beforeAll(async () => {
  stage = await startStage();
  snapshot = await snapshotsOf(stage.admin, stage.rival);
  const { admin, rival, victim } = stage;
  const person = async (): Promise<Claims> => {
    const id = randomUUID();
    await admin`insert into auth.users (id, email) values (${id}, ${`${id}@rival.example`})`;
    return { role: 'authenticated', sub: id, user_metadata: { kavach_org: victim.org, kavach_scopes: ['read'] } };
  };
  const keyOf = (org: string, ...scopes: string[]): Claims => ({
    role: 'authenticated', kavach_org: org, kavach_key: randomUUID(), kavach_scopes: scopes,
  }); // prettier-ignore
  const owner = await person();
  await admin`insert into kavach.members (org_id, user_id, role) values (${rival}, ${String(owner['sub'])}, 'owner')`;
  callers.set('an owner elsewhere', owner);
  callers.set('a key elsewhere', keyOf(rival, 'sdk', 'read', 'control', 'admin'));
  callers.set('somebody without an organisation', await person());
  callers.set('a listening token', { role: 'authenticated', kavach_org: victim.org, kavach_topics: ['control'] });
  callers.set('a key with the scope sdk', keyOf(victim.org, 'sdk'));
  callers.set('a key with the scope control', keyOf(victim.org, 'control'));
  callers.set('nobody', null);
});
afterAll(() => stage[Symbol.asyncDispose]());

/** Runs a statement as a caller. @returns its rows as text, or the state and code of its refusal */
async function run(
  caller: string,
  statement: string,
  parameters: readonly string[] = [],
  undone = false,
): Promise<string> {
  const claims = callers.get(caller) ?? null;
  const nothing = new Error('undo');
  let text = '';
  try {
    await stage.pool.begin(async (sql) => {
      await sql`
        select set_config('request.jwt.claims', ${JSON.stringify(claims ?? { role: 'anon' })}, true),
          set_config('role', ${claims === null ? 'anon' : 'authenticated'}, true)`;
      const rows = await sql.unsafe(statement, [...parameters]);
      text = rows.length === 0 ? `${rows.count} rows` : JSON.stringify(rows);
      if (undone) throw nothing;
    });
  } catch (error) {
    if (error === nothing) return text;
    if (!(error instanceof postgres.PostgresError)) throw error;
    return error.code.startsWith('KA') ? `${error.code} ${error.message}` : error.code;
  }
  return text;
}

function leaks(text: string, asked: string): string[] {
  return stage.victim.secrets.filter((secret) => text.includes(secret) && !asked.includes(secret));
}

const OURS = `relnamespace in ('kavach'::regnamespace, 'private'::regnamespace)`;

describe('relations', () => {
  it.each(EVERYBODY)('show %s nothing of the victim', async (caller) => {
    const relations = await stage.admin<{ name: string; columns: string | null; all: string }[]>`
      select c.oid::regclass::text as name,
        string_agg(quote_ident(attname), ', ') filter (where has_column_privilege('authenticated', c.oid, attnum, 'select')) as columns,
        string_agg(quote_ident(attname), ', ') as all
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where ${stage.admin.unsafe(OURS)} and c.relkind not in ('i', 'I', 'c', 't') group by c.oid order by 1`;
    expect(relations.length).toBeGreaterThan(50);
    for (const { name, columns, all } of relations) {
      const answer = await run(caller, `select ${columns ?? all} from ${name}`);
      expect([name, leaks(answer, '')]).toEqual([name, []]);
      // What no column of is granted is refused as a whole.
      if (columns === null) expect([name, answer]).toEqual([name, '42501']);
    }
  });

  it('show the victim’s owner all that the others were not shown', async () => {
    callers.set('the owner', { role: 'authenticated', sub: stage.victim.ownerId });
    const tables = await stage.admin<{ name: string; columns: string }[]>`
      select c.oid::regclass::text as name,
        string_agg(quote_ident(attname), ', ') filter (where has_column_privilege('authenticated', c.oid, attnum, 'select')) as columns
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'kavach'::regnamespace and c.relkind in ('r', 'p') and relname not in ('plans', 'billing_events')
      group by 1, c.oid`;
    for (const { name, columns } of tables) {
      const answer = await run('the owner', `select ${columns} from ${name}`);
      expect([name, leaks(answer, '').length > 0]).toEqual([name, true]);
    }
  });

  it.each(EVERYBODY)('take nothing from %s', async (caller) => {
    const before = await snapshot();
    const tables = await stage.admin<{ name: string; settable: string; insertable: string | null; all: string }[]>`
      select c.relname as name,
        coalesce(min(quote_ident(attname)) filter (where has_column_privilege('authenticated', c.oid, attnum, 'update')),
          min(quote_ident(attname)) filter (where attgenerated = '')) as settable,
        string_agg(quote_ident(attname), ', ') filter (where has_column_privilege('authenticated', c.oid, attnum, 'insert')) as insertable,
        string_agg(quote_ident(attname), ', ') filter (where attgenerated = '') as all
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'kavach'::regnamespace and c.relkind in ('r', 'p') group by 1 order by 1`;
    for (const { name, settable, insertable, all } of tables) {
      const table = `kavach.${name}`;
      const columns = insertable ?? all;
      const [row] = await stage.admin.unsafe(
        `select to_jsonb(t)::text as json from ${table} t where to_jsonb(t)::text ~ $1 limit 1`,
        [
          name === 'billing_events'
            ? 'canary'
            : name === 'plans'
              ? 'max'
              : `${stage.victim.org}|${stage.victim.budgetId}|${stage.victim.ownerId}`,
        ],
      );
      const insert = `insert into ${table} (${columns}) select ${columns} from jsonb_populate_record(null::${table}, $1::text::jsonb)`;
      const json = String(row!['json']);
      expect([name, await run(caller, insert, [json])]).toEqual([name, expect.toBeOneOf(['42501', '428C9'])]);
      // In an organisation of one's own, but around what is the victim's.
      if (insertable !== null) {
        const moved = json.replaceAll(stage.victim.org, stage.rival);
        expect([name, await run(caller, insert, [moved])]).toEqual([name, expect.toBeOneOf(['42501', '23503'])]);
      }
      for (const statement of [
        `update ${table} set ${settable} = ${settable}`,
        `delete from ${table}`,
        `truncate ${table}`,
      ]) {
        const answer = await run(
          caller,
          `${statement}${statement.startsWith('truncate') ? '' : ' where true'}`,
          [],
          true,
        );
        const nothing = ['42501', '428C9', '0 rows', ...(name === 'organizations' ? ['1 rows'] : [])];
        expect([statement, answer]).toEqual([statement, expect.toBeOneOf(nothing)]);
      }
    }
    expect(await snapshot()).toEqual(before);
  });
});

type Answers = readonly [string, string, string, string];
const all = (answer: string): Answers => [answer, answer, answer, answer];
const FORBIDDEN = all('KA403 forbidden');
const OWN_ORG_ONLY: Answers = ['KA401 key_required', 'done', 'KA401 key_required', 'KA403 forbidden'];
const quoted = (value: object) => `'${JSON.stringify(value)}'`;

/** Each function that callers may execute, called for what is the victim's; and what each of CALLERS is answered. */
const CALLS: Readonly<Record<string, readonly [call: (v: Victim) => string, answers: Answers]>> = {
  'kavach.kill_agent(uuid,text,text,text)': [(v) => `'${v.org}', '${v.agent}', 'manual', null`, FORBIDDEN],
  'kavach.release_limit(uuid,text)': [(v) => `'${v.budgetId}', null`, all('KA404 budget_not_found')],
  'kavach.resume_agent(uuid,text,text)': [(v) => `'${v.org}', '${v.agent}', null`, FORBIDDEN],
  'kavach.set_limit(uuid,numeric,text)': [(v) => `'${v.budgetId}', 1, null`, all('KA404 budget_not_found')],
  'private.kill_agent(uuid,text,text,text)': [(v) => `'${v.org}', '${v.agent}', 'manual', null`, FORBIDDEN],
  'private.release_limit(uuid,text)': [(v) => `'${v.budgetId}', null`, all('KA404 budget_not_found')],
  'private.resume_agent(uuid,text,text)': [(v) => `'${v.org}', '${v.agent}', null`, FORBIDDEN],
  'private.set_limit(uuid,numeric,text)': [(v) => `'${v.poolId}', 1, null`, all('KA404 budget_not_found')],
  'private.create_key(uuid,text,text,text[],text,bytea)': [
    (v) => `'${v.org}', 'x', 'dev', '{read}', 'ak_dev_abcde', sha256('x')`,
    FORBIDDEN,
  ],
  'private.revoke_key(uuid)': [(v) => `'${v.keyId}'`, all('KA404 key_not_found')],
  'private.rotate_key(uuid,text,bytea,interval)': [
    (v) => `'${v.keyId}', 'ak_dev_abcde', sha256('y'), '0'`,
    all('KA404 key_not_found'),
  ],
  'private.connect(jsonb)': [(v) => quoted({ agent: v.agent, budgets: [] }), OWN_ORG_ONLY],
  'private.ingest(uuid,jsonb,jsonb)': [() => `gen_random_uuid(), '[]', '[]'`, OWN_ORG_ONLY],
  'private.leases(jsonb)': [
    (v) => {
      const lease = { budgetId: v.poolId, leaseId: v.leaseId, seq: 9, used: 1, hold: 0, want: 1, need: 0, maxCallMs: 1, close: true, windowStart: null };
      return quoted({ instance: randomUUID(), agent: v.agent, leases: [lease] });
    },
    OWN_ORG_ONLY,
  ], // prettier-ignore
  // Everybody may have an organisation; none of them is the victim's.
  'private.create_organization(text)': [
    () => `'x'`,
    ['done', 'KA401 unauthenticated', 'done', 'KA401 unauthenticated'],
  ],
  'private.events_today(uuid)': [(v) => `'${v.org}'`, all('[{"answer":"0"}]')],
  'private.may_listen(text)': [
    (v) => `'org:${v.org}:control'`,
    ['[{"answer":false}]', '[{"answer":false}]', '[{"answer":false}]', '[{"answer":true}]'],
  ],
  'private.orgs_with(text)': [() => `'read'`, ['done', 'done', '0 rows', '0 rows']],
  'private.is_time_zone(text)': [() => `'UTC'`, all('done')],
  'private.start_of_date(text,date)': [() => `'UTC', '2026-01-01'`, all('done')],
  'private.target_hint(jsonb)': [() => `'{"to":"x"}'`, all('done')],
  'private.window_of(text,text,timestamp with time zone)': [() => `'daily', 'UTC', now()`, all('done')],
  'private.zone_of(text)': [() => `'UTC'`, all('done')],
};

interface FunctionRow {
  readonly signature: string;
  readonly name: string;
  readonly nulls: string;
  readonly granted: boolean;
}

describe('functions', () => {
  let functions: readonly FunctionRow[];
  beforeAll(async () => {
    functions = await stage.admin<FunctionRow[]>`
      select p.oid::regprocedure::text as signature, p.oid::regproc::text as name,
        coalesce((select string_agg('null::' || format_type(t.type, null), ', ' order by t.place)
          from unnest(p.proargtypes::oid[]) with ordinality t (type, place)), '') as nulls,
        has_function_privilege('authenticated', p.oid, 'execute') or has_function_privilege('anon', p.oid, 'execute') as granted
      from pg_proc p where p.pronamespace in ('kavach'::regnamespace, 'private'::regnamespace) order by 1`;
  });

  it('that callers may execute are those of the walk', () => {
    const granted = functions.filter((row) => row.granted).map(({ signature }) => signature);
    expect(Object.keys(CALLS).toSorted()).toEqual(granted.toSorted());
  });

  it.each(CALLERS)('give %s nothing of the victim', async (caller) => {
    const place = CALLERS.indexOf(caller);
    const [answers, expected]: Record<string, string>[] = [{}, {}];
    for (const [signature, [call, stated]] of Object.entries(CALLS)) {
      const before = await snapshot();
      const argumentsOf = call(stage.victim);
      const answer = await run(
        caller,
        `select answer from ${signature.split('(')[0]}(${argumentsOf}) answer`,
        [],
        signature.startsWith('private.create_organization'),
      );
      expect([signature, leaks(answer, argumentsOf)]).toEqual([signature, []]);
      expect({ signature, rows: await snapshot() }).toEqual({ signature, rows: before });
      expected![signature] = stated[place]!;
      answers![signature] = stated[place] === 'done' && !/^(?:KA\d|[0-9A-Z]{5}$)/.test(answer) ? 'done' : answer;
    }
    expect(answers).toEqual(expected);
  });

  it.each(EVERYBODY)('that are internal refuse %s', async (caller) => {
    const internal = functions.filter(({ granted }) => caller === 'nobody' || !granted);
    expect(internal.length).toBeGreaterThan(20);
    for (const { signature, name, nulls } of internal) {
      // A trigger function can't be called at all.
      const answer = await run(caller, `select ${name}(${nulls})`);
      expect([signature, answer]).toEqual([signature, expect.toBeOneOf(['42501', '0A000'])]);
    }
  });
});
