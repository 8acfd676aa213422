import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANY_CLIENT, FRAMEWORKS } from '../init/frameworks.ts';
import { json, run } from '../testing/terminal.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'kavach-init-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const write = (name: string, text: string | object): void =>
  writeFileSync(join(cwd, name), typeof text === 'string' ? text : JSON.stringify(text));
const read = (name: string): string => readFileSync(join(cwd, name), 'utf8');

interface Shown {
  readonly frameworks: readonly string[];
  readonly install: string | null;
  readonly snippets: readonly { readonly for: string; readonly code: string }[];
  readonly environment: { readonly file: string; readonly written: boolean };
}

describe('init', () => {
  it('shows what to install and where the guard goes, and writes nothing', async () => {
    write('package.json', { name: '@acme/research', dependencies: { ai: '^7.0.0' } });
    const { exit, out, err } = await run({ cwd }, 'init');
    expect([exit, err]).toEqual([0, '']);
    expect(out).toMatch(/^Found Vercel AI SDK\.\n/);
    expect(out).toContain('\n  npm install @agentkavach/core @agentkavach/vercel-ai gpt-tokenizer\n');
    expect(out).toContain(`  import { kavach } from '@agentkavach/vercel-ai';\n`);
    expect(out).toContain('\n  AGENTKAVACH_AGENT_NAME=research\n');
    expect(out).toContain('Nothing was written. With --write these lines are added to agentkavach.env.example.');
    expect(globSync('*', { cwd }).concat(globSync('.*', { cwd }))).toEqual(['package.json']);
  });

  it.each([
    [{ dependencies: { '@mastra/core': '1' }, devDependencies: { ai: '7' } }, ['Vercel AI SDK', 'Mastra']],
    [{ dependencies: { '@langchain/openai': '1' } }, ['LangChain']],
    [{ peerDependencies: { langchain: '1' } }, ['LangChain']],
    [
      {
        optionalDependencies: {
          openai: '6',
          '@anthropic-ai/sdk': '1',
          '@google/genai': '1',
          '@mistralai/mistralai': '1',
        },
      },
      ['OpenAI SDK', 'Anthropic SDK', 'Google GenAI SDK', 'Mistral SDK'],
    ],
    [{ dependencies: { 'ai-something': '1', openaipi: '1' } }, []],
    [{ dependencies: null, name: 5 }, []],
  ])('finds in %j: %j', async (manifest, frameworks) => {
    write('package.json', manifest);
    const shown = await json<Shown>({ cwd }, 'init');
    expect(shown.frameworks).toEqual(frameworks);
    expect(shown.snippets.map((one) => one.for)).toEqual(frameworks.length === 0 ? ['Any client'] : frameworks);
  });

  it.each([
    ['pnpm-lock.yaml', 'pnpm add'],
    ['yarn.lock', 'yarn add'],
    ['bun.lock', 'bun add'],
    ['package-lock.json', 'npm install'],
  ])('installs as %s says', async (lockfile, command) => {
    write('package.json', {});
    write(lockfile, '');
    const { install } = await json<Shown>({ cwd }, 'init');
    expect(install).toBe(`${command} @agentkavach/core gpt-tokenizer`);
  });

  it('installs only what package.json does not have', async () => {
    const installed = { ai: '7', '@agentkavach/core': '0.1.0' };
    write('package.json', { dependencies: installed, devDependencies: { 'gpt-tokenizer': '3' } });
    expect((await run({ cwd }, 'init')).out).toContain('\n  npm install @agentkavach/vercel-ai\n');
    write('package.json', { dependencies: { ...installed, '@agentkavach/vercel-ai': '0.1.0', 'gpt-tokenizer': '3' } });
    const { out } = await run({ cwd }, 'init');
    expect(out).toContain(
      '\nNothing to install: package.json has @agentkavach/core, @agentkavach/vercel-ai, gpt-tokenizer already.\n',
    );
    expect(out).not.toContain('npm install');
    expect((await json<Shown>({ cwd }, 'init')).install).toBeNull();
  });

  it('says what is wrong with package.json', async () => {
    const missing = await run({ cwd }, 'init');
    expect([missing.exit, missing.err]).toEqual([1, expect.stringContaining(`no package.json in ${cwd}`)]);
    write('package.json', '{');
    const broken = await run({ cwd }, 'init');
    expect([broken.exit, broken.err]).toEqual([1, `${join(cwd, 'package.json')} can't be read as JSON.`]);
    write('package.json', '\uFEFF{"name":"x"}');
    expect((await run({ cwd }, 'init')).exit).toBe(0);
  });
});

describe('init --write', () => {
  beforeEach(() => write('package.json', { name: 'app; rm -rf /' }));

  it('makes a file of its own, and leaves it alone afterwards', async () => {
    const { out } = await run({ cwd }, 'init', '--write');
    expect(out).toContain('Added these lines to agentkavach.env.example.');
    const written = read('agentkavach.env.example');
    expect(written).toContain('\nAGENTKAVACH_AGENT_NAME=my-agent\n');
    write('agentkavach.env.example', 'mine');
    const again = await json<Shown>({ cwd }, 'init', '--write');
    expect(again.environment).toMatchObject({ file: 'agentkavach.env.example', written: false });
    expect(read('agentkavach.env.example')).toBe('mine');
    expect(existsSync(join(cwd, '.env'))).toBe(false);
  });

  it.each(['', 'A=1\n', 'A=1'])('adds to a .env.example that holds %j, once', async (before) => {
    write('.env.example', before);
    expect((await json<Shown>({ cwd }, 'init')).environment).toMatchObject({ file: '.env.example', written: false });
    expect(read('.env.example')).toBe(before);
    expect((await json<Shown>({ cwd }, 'init', '--write')).environment.written).toBe(true);
    const after = read('.env.example');
    expect(after.startsWith(before)).toBe(true);
    expect(after.split('\n')).toContain('AGENTKAVACH_AGENT_NAME=my-agent');
    expect((await run({ cwd }, 'init', '--write')).out).toContain('has lines for AgentKavach already');
    expect(read('.env.example')).toBe(after);
  });

  it.each(['AGENTKAVACH_URL=x', '# AGENTKAVACH_URL=', 'export AGENTKAVACH_URL=x'])(
    'leaves a .env.example alone that has %j',
    async (line) => {
      write('.env.example', `A=1\n${line}\n`);
      expect((await json<Shown>({ cwd }, 'init', '--write')).environment.written).toBe(false);
      expect(read('.env.example')).toBe(`A=1\n${line}\n`);
    },
  );
});

describe('what it tells to install', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const adapters = globSync('*/package.json', { cwd: root })
    .map((path) => JSON.parse(readFileSync(join(root, path), 'utf8')) as { name: string; private?: boolean })
    .filter((manifest) => manifest.private !== true)
    .map(({ name }) => name)
    .filter((name) => !['agentkavach', '@agentkavach/core', '@agentkavach/embedded'].includes(name));

  it('are the adapters that there are', () => {
    expect(adapters.length).toBeGreaterThan(0);
    expect([...new Set(FRAMEWORKS.flatMap((one) => one.adapters))].sort()).toEqual(adapters.sort());
  });

  it('exports what its snippet imports, once there is something', () => {
    const imports = FRAMEWORKS.flatMap(({ snippet }) => [
      ...snippet.matchAll(/^import \{ (.*) \} from '@agentkavach\/([\w-]+)';$/gm),
    ]);
    expect(imports.length).toBeGreaterThan(FRAMEWORKS.length);
    for (const [line, names = '', folder = ''] of imports) {
      const index = readFileSync(join(root, folder, 'src/index.ts'), 'utf8');
      if (!/^export \{/m.test(index)) continue;
      for (const name of names.split(', '))
        expect([line, index]).toEqual([line, expect.stringMatching(`\\b${name}\\b`)]);
    }
  });

  it('has all that its snippet imports of ours', () => {
    for (const { snippet, adapters: own } of [...FRAMEWORKS, ANY_CLIENT]) {
      const imported = [...snippet.matchAll(/'(@agentkavach\/[\w-]+)/g)].map(([, name]) => name);
      expect(imported).toContain('@agentkavach/core');
      expect([...new Set(imported)].sort()).toEqual(['@agentkavach/core', ...own].sort());
    }
  });
});
