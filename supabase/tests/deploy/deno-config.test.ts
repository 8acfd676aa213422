import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configTemplate, functionNames, ROOT } from './functions.ts';

describe.each(functionNames())('the function %s', (name) => {
  it('has the same import map as all, with the versions that were tested', () => {
    const text = readFileSync(`${ROOT}supabase/functions/${name}/deno.json`, 'utf8');
    expect(text).toBe(`${JSON.stringify(configTemplate(), null, 2)}\n`);
  });

  it('has an index.ts that serves its handler and nothing else', () => {
    const text = readFileSync(`${ROOT}supabase/functions/${name}/index.ts`, 'utf8');
    expect(text).toBe(
      [
        `import { dependencies } from '../_shared/dependencies.ts';`,
        `import { handler } from './handler.ts';`,
        ``,
        `Deno.serve(handler(dependencies()).fetch);`,
        ``,
      ].join('\n'),
    );
  });
});
