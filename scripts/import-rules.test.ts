import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  type Arrow,
  arrowsOf,
  brokenRules,
  FRAMEWORKS,
  type PackageFacts,
  PROGRAMS,
  type SourceFile,
} from './import-rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const glob = (pattern: string) => globSync(pattern, { cwd: root }).map((path) => path.replaceAll('\\', '/'));

interface Manifest {
  name: string;
  private?: boolean;
  exports?: Record<string, unknown>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

const realPackages = glob('packages/*/package.json').map((path): PackageFacts => {
  const manifest = JSON.parse(readFileSync(`${root}/${path}`, 'utf8')) as Manifest;
  return {
    folder: path.split('/')[1] ?? '',
    name: manifest.name,
    published: manifest.private !== true,
    entries: Object.keys(manifest.exports ?? {}),
    optionalPeers: Object.entries(manifest.peerDependenciesMeta ?? {}).flatMap(([name, { optional }]) =>
      optional ? [name] : [],
    ),
  };
});
const realFiles = glob('packages/*/src/**/*.ts').map((path): SourceFile => ({
  path,
  arrows: arrowsOf(readFileSync(`${root}/${path}`, 'utf8')),
}));

describe('the sources', () => {
  it('keep every import rule', () => {
    expect(brokenRules(realFiles, realPackages)).toEqual([]);
  });

  it('were walked: files and arrows in every published package', () => {
    const published = realPackages.filter((each) => each.published);
    expect(published.map(({ folder }) => folder)).toEqual(expect.arrayContaining(['core', 'vercel-ai']));
    for (const { folder } of published) {
      const files = realFiles.filter(({ path }) => path.startsWith(`packages/${folder}/src/`));
      expect(files.length, `source files in packages/${folder}`).toBeGreaterThan(0);
      expect(files.flatMap(({ arrows }) => arrows).length, `imports in packages/${folder}`).toBeGreaterThan(0);
    }
  });

  it('have a list of frameworks for every published package but core and the programs', () => {
    const adapters = realPackages.filter(({ published, folder }) => published && folder !== 'core');
    const listed = [...Object.keys(FRAMEWORKS), ...PROGRAMS];
    expect(adapters.filter(({ folder }) => !listed.includes(folder)).map(({ name }) => name)).toEqual([]);
  });
});

const packages: PackageFacts[] = [
  {
    folder: 'core',
    name: '@agentkavach/core',
    published: true,
    entries: ['.', './providers'],
    optionalPeers: ['gpt-tokenizer'],
  },
  { folder: 'vercel-ai', name: '@agentkavach/vercel-ai', published: true, entries: ['.'], optionalPeers: ['ai'] },
  { folder: 'simulator', name: '@agentkavach/simulator', published: false, entries: ['.'], optionalPeers: [] },
];
const arrow = (specifier: string, more: Partial<Arrow> = {}): Arrow => ({
  specifier,
  dynamic: false,
  typeOnly: false,
  ...more,
});
const core = (path: string, ...arrows: Arrow[]): SourceFile => ({ path: `packages/core/src/${path}`, arrows });
const adapter = (...arrows: Arrow[]): SourceFile => ({ path: 'packages/vercel-ai/src/index.ts', arrows });

describe('each rule can fail', () => {
  it.each<[string, SourceFile[], RegExp]>([
    [
      'a leaf that imports a room',
      [core('money.ts', arrow('./pricing/price.ts'))],
      /money\.ts.*points up, from leaves to rooms/,
    ],
    ['a type that points up', [core('call.ts', arrow('./kavach.ts', { typeOnly: true }))], /points up/],
    ['a room that imports its neighbour', [core('budget/pool.ts', arrow('../pricing/price.ts'))], /neighbouring room/],
    ['a room that imports config', [core('alerts/rule.ts', arrow('../config/options.ts'))], /points up/],
    [
      'a call that imports the class',
      [core('guarded-call.ts', arrow('./kavach.ts'))],
      /points up, from calls to kavach/,
    ],
    ['an import of the index', [core('kavach.ts', arrow('./index.ts'))], /points up, from kavach to top/],
    ['an import of the testing tools', [core('kavach.ts', arrow('./testing/index.ts'))], /points up/],
    [
      'a name in no layer',
      [core('utils/x.ts')],
      /'utils' is in no layer\. Add it to LAYERS in scripts\/import-rules\.ts/,
    ],
    ['a static import of node/', [core('kavach.ts', arrow('./node/disk.ts'))], /must be loaded with import\(\)/],
    ['a node: import', [core('scope.ts', arrow('node:async_hooks'))], /Node's alone/],
    ['a Node module without its prefix', [core('scope.ts', arrow('fs', { dynamic: true }))], /Node's alone/],
    ['a missing suffix', [core('money.ts', arrow('./errors'))], /must end in \.ts/],
    ['a .js suffix in a test', [core('money.test.ts', arrow('./errors.js'))], /must end in \.ts/],
    ['a way out of src', [core('money.ts', arrow('../scripts/compile.ts'))], /leaves packages\/core\/src/],
    ['a way out of the package', [core('money.ts', arrow('../../simulator/src/index.ts'))], /leaves its package/],
    [
      'a circle',
      [
        core('money.ts', arrow('./errors.ts')),
        core('errors.ts', arrow('./clock.ts')),
        core('clock.ts', arrow('./money.ts')),
      ],
      /money\.ts → .*errors\.ts → .*clock\.ts → .*money\.ts is a circle/,
    ],
    [
      'an optional peer imported at once',
      [core('pricing/sharp.ts', arrow('gpt-tokenizer/model/gpt-4o'))],
      /optional peer/,
    ],
    ['the simulator in something published', [core('kavach.ts', arrow('@agentkavach/simulator'))], /is private/],
    ['the simulator in an adapter', [adapter(arrow('@agentkavach/simulator', { dynamic: true }))], /is private/],
    [
      'an inner file of core',
      [adapter(arrow('@agentkavach/core/src/money.ts'))],
      /no public entry of @agentkavach\/core/,
    ],
    ['a relative way into core', [adapter(arrow('../../core/src/index.ts'))], /leaves its package/],
    [
      'a stranger in an adapter',
      [adapter(arrow('lodash'))],
      /neither @agentkavach\/core nor one of ai, @ai-sdk\/provider/,
    ],
    ['a Node module in an adapter', [adapter(arrow('node:fs'))], /neither/],
  ])('%s', (_, files, sentence) => {
    const broken = brokenRules(files, packages);
    expect(broken).toEqual([expect.stringMatching(sentence)]);
  });
});

it('leaves alone what is allowed', () => {
  const files = [
    core('money.ts', arrow('./errors.ts')),
    core('budget/ledger.ts', arrow('./pool.ts'), arrow('../money.ts')),
    core('budget/ledger.test.ts', arrow('../testing/index.ts'), arrow('node:fs'), arrow('@agentkavach/simulator')),
    core('pricing/sharp.ts', arrow('../node/worker.ts', { dynamic: true }), arrow('gpt-tokenizer', { dynamic: true })),
    core('node/worker.ts', arrow('node:fs'), arrow('../pricing/price.ts'), arrow('gpt-tokenizer')),
    core('config/options.ts', arrow('../budget/budget.ts'), arrow('../alerts/rule.ts')),
    core('guarded-call.ts', arrow('./admission.ts'), arrow('./budget/ledger.ts')),
    core('index.ts', arrow('./kavach.ts')),
    adapter(
      arrow('@agentkavach/core'),
      arrow('@agentkavach/core/providers'),
      arrow('ai', { typeOnly: true }),
      arrow('@ai-sdk/provider'),
    ),
    { path: 'packages/simulator/src/index.ts', arrows: [arrow('node:http')] },
  ];
  expect(brokenRules(files, packages)).toEqual([]);
});

it('reads every kind of import', () => {
  const source = [
    `import './a.ts';`,
    `import b from './b.ts';`,
    `import type { C } from './c.ts';`,
    `export * from './d.ts';`,
    `export type { E } from './e.ts';`,
    `const f = await import('./f.ts');`,
    `type G = import('./g.ts').G;`,
    `const text = "import './no.ts'"; // import './no.ts'`,
  ].join('\n');
  const kind = ({ dynamic, typeOnly }: Arrow) => (dynamic ? 'dynamic' : typeOnly ? 'type' : 'static');
  expect(arrowsOf(source).map((each) => `${each.specifier} ${kind(each)}`)).toEqual([
    './a.ts static',
    './b.ts static',
    './c.ts type',
    './d.ts static',
    './e.ts type',
    './f.ts dynamic',
    './g.ts type',
  ]);
});
