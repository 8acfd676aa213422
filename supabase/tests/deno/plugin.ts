/** Lets tests of the functions run against Deno: whatever module asks for a handler gets its stand-in. */
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vitest/config';

const STAND_IN = JSON.stringify(fileURLToPath(new URL('./stand-in.ts', import.meta.url)));
const HANDLER = /\/supabase\/functions\/(\w+)\/handler\.ts$/;
const DATABASE = /\/supabase\/functions\/_shared\/database\.ts$/;

/** For the vitest project `deno`. By the files themselves, so that no way of importing one leads to Node. */
export function handlersOnDeno(): Plugin {
  return {
    name: 'handlers-on-deno',
    enforce: 'pre',
    load: (id) => {
      const [, name] = HANDLER.exec(id) ?? [];
      if (name !== undefined) {
        return `import { handlerOnDeno } from ${STAND_IN};\nexport const handler = handlerOnDeno('${name}');\n`;
      }
      return DATABASE.test(id) ? `export { openDatabase } from ${STAND_IN};\n` : undefined;
    },
  };
}
