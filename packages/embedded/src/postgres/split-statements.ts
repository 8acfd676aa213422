/**
 * Cuts a file of SQL into its statements, as the Supabase CLI does before it runs and records them: comments stay with the
 * statement that follows, the closing semicolon goes.
 */

/** Quoted and commented parts, within which a semicolon means nothing. Sticky: each is tried at one place. */
const LINE_COMMENT = /--[^\n]*/y;
const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"/y;
const ESCAPE_STRING = /[eE]'(?:[^'\\]|\\.|'')*'/sy;
const DOLLAR_TAG = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;
const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;

/** The statements of a file, trimmed, in order. What only holds white space is left out. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let at = 0;
  let parentheses = 0;
  let atomicDepth = 0;
  let lastWord = '';
  const finish = (end: number): void => {
    const text = sql.slice(start, end).trim();
    if (text !== '') statements.push(text);
    start = end + 1;
    parentheses = 0;
    atomicDepth = 0;
  };
  while (at < sql.length) {
    const quotedEnd = endOfQuoted(sql, at);
    if (quotedEnd !== undefined) {
      at = quotedEnd;
      continue;
    }
    const word = match(WORD, sql, at)?.toLowerCase();
    if (word !== undefined) {
      if (word === 'atomic' && lastWord === 'begin') atomicDepth = 1;
      else if (atomicDepth > 0 && word === 'case') atomicDepth += 1;
      else if (atomicDepth > 0 && word === 'end') atomicDepth -= 1;
      lastWord = word;
      at += word.length;
      continue;
    }
    const character = sql[at];
    if (character === '(') parentheses += 1;
    else if (character === ')') parentheses -= 1;
    else if (character === ';' && parentheses <= 0 && atomicDepth === 0) finish(at);
    at += 1;
  }
  finish(sql.length);
  return statements;
}

function endOfQuoted(sql: string, at: number): number | undefined {
  if (sql.startsWith('/*', at)) return endOfBlockComment(sql, at);
  const plain = match(LINE_COMMENT, sql, at) ?? match(ESCAPE_STRING, sql, at) ?? match(QUOTED, sql, at);
  if (plain !== undefined) return at + plain.length;
  const tag = match(DOLLAR_TAG, sql, at);
  if (tag === undefined) return undefined;
  const close = sql.indexOf(tag, at + tag.length);
  return close === -1 ? sql.length : close + tag.length;
}

/** Block comments nest in PostgreSQL. */
function endOfBlockComment(sql: string, at: number): number {
  let depth = 0;
  for (let i = at; i < sql.length; i += 1) {
    if (sql.startsWith('/*', i)) {
      depth += 1;
      i += 1;
    } else if (sql.startsWith('*/', i)) {
      depth -= 1;
      i += 1;
      if (depth === 0) return i + 1;
    }
  }
  return sql.length;
}

function match(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}
