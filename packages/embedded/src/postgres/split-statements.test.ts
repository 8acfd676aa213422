import fc from 'fast-check';
import { expect, it } from 'vitest';
import { splitStatements } from './split-statements.ts';

it.each([
  ['two statements', 'select 1;\nselect 2', ['select 1', 'select 2']],
  ['nothing', ' ;\n;; ', []],
  ['a text with a quote', `select 'a;''b;'; select 2;`, [`select 'a;''b;'`, 'select 2']],
  ['an escaped quote', String.raw`select E'a\';b'; select 2`, [String.raw`select E'a\';b'`, 'select 2']],
  ['a name', `select ";"; select 2`, [`select ";"`, 'select 2']],
  ['a line comment', `select 1 -- it's; so\n; select 2`, [`select 1 -- it's; so`, 'select 2']],
  ['nested comments', `select /* a; /* b; */ c; */ 1; select 2`, [`select /* a; /* b; */ c; */ 1`, 'select 2']],
  ['a function', `do $$ begin null; end $$; select 2`, ['do $$ begin null; end $$', 'select 2']],
  ['a tagged body', `do $x$ select '$$;'; $x$; select 2`, [`do $x$ select '$$;'; $x$`, 'select 2']],
  ['a parameter', `prepare p as select $1; select 2`, ['prepare p as select $1', 'select 2']],
  [
    'parentheses',
    `create rule r as on insert to t do (select 1; select 2); select 3`,
    ['create rule r as on insert to t do (select 1; select 2)', 'select 3'],
  ],
  [
    'a body of SQL',
    `create function f() returns int begin atomic select case when true then 1 end; end; select 2`,
    ['create function f() returns int begin atomic select case when true then 1 end; end', 'select 2'],
  ],
  ['a comment at the end', `select 1;\n-- the end`, ['select 1', '-- the end']],
])('cuts where a statement ends: %s', (_name, sql, statements) => {
  expect(splitStatements(sql)).toEqual(statements);
});

it('loses nothing of what was written between semicolons', () => {
  const piece = fc.constantFrom(`select 1`, `'a;b'`, `"a;b"`, `$$ a;b $$`, `/* a;b */ x`, `(a;b)`, `e'\\';'`);
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      expect(splitStatements(pieces.join(';\n'))).toEqual(pieces);
    }),
  );
});

it('ends at the end of anything', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(`'`, '"', '$', 'e', '\\', ';', '-', '/', '*', '(', ')', 'x', '\n') }),
      (sql) => {
        const statements = splitStatements(sql);
        expect(statements.every((text) => text !== '' && sql.includes(text))).toBe(true);
      },
    ),
  );
});
