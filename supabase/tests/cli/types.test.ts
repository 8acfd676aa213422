/** The types of the tables in the repository are those that the Supabase CLI reads from the migrated database. */
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { ROOT, supabase } from './supabase.ts';

const FILE = join(ROOT, 'supabase/functions/_shared/database.types.ts');
const HEAD =
  '/** The tables as TypeScript types, for supabase-js. Generated: npx vitest run supabase/tests/cli/types.test.ts -u */\n';

const { run, remote } = supabase();

it('agrees with the committed types', async () => {
  const { exit, out, err } = await run('gen', 'types', '--lang', 'typescript', '--schema', 'kavach', remote());
  expect(exit, err).toBe(0);
  const types = await format(HEAD + out, { ...(await resolveConfig(FILE)), parser: 'typescript' });
  await expect(
    types,
    'The types are not those of the migrations. Write them anew: npx vitest run supabase/tests/cli/types.test.ts -u',
  ).toMatchFileSnapshot(FILE);
});
