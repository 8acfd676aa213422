/**
 * Mends postgres.js 3.4.9, whose buffered write ends the process when the connection is lost in the same turn, or leaves the
 * connection unable to write for ever (https://github.com/porsager/postgres/issues/1208 and /1154, unreleased fix in /pull/1209).
 * A connection that is lost while it asks for the array types ends the process too, by a rejection that nobody handles.
 * Runs after each install; the build puts the mended code into @agentkavach/embedded. To go with the release that has the fix.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILE = join(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules', 'postgres', 'src', 'connection.js');
const MENDED = '// mended: a lost connection';

const CHANGES = [
  [
    `    const x = socket.write(chunk, fn)
    nextWriteTimer !== null && clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = null
    return x`,
    `    ${MENDED}
    const waiting = chunk
    nextWriteTimer !== null && clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = null
    if (socket === null) {
      error(Errors.connection('CONNECTION_CLOSED', options))
      return true
    }
    return socket.write(waiting, fn)`,
  ],
  [
    `    clearImmediate(nextWriteTimer)
    socket.removeListener('data', data)`,
    `    clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = null
    socket.removeListener('data', data)`,
  ],
  [
    `    clearImmediate(nextWriteTimer)
    if (socket) {`,
    `    clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = null
    if (socket) {`,
  ],
  [
    `    \`], [], execute)
    types.forEach(`,
    `    \`], [], execute).catch(() => (needsTypes = true, []))
    types.forEach(`,
  ],
];

/** Mends the installed copy, once. @throws where it is another version than the one this was written for */
export function patchPostgres() {
  if (!existsSync(FILE)) return;
  let source = readFileSync(FILE, 'utf8');
  for (const [before, after] of CHANGES) {
    if (source.includes(after)) continue;
    if (source.split(before).length !== 2)
      throw new Error(
        'scripts/patch-postgres.mjs does not fit the installed postgres.js: is it 3.4.9? See the top of that file.',
      );
    source = source.replace(before, () => after);
  }
  writeFileSync(FILE, source);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) patchPostgres();
