/**
 * Which file may import which: arrows run down only, so that each room of the engine can be read and tested without the
 * ones above it. Pure functions over a list of files; the test beside it runs them on the real tree.
 */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import ts from 'typescript';

/** One import, re-export or `import()` in a file. */
export interface Arrow {
  readonly specifier: string;
  /** `import(…)`: loaded when it is reached, not with the file. */
  readonly dynamic: boolean;
  /** Erased by the compiler. */
  readonly typeOnly: boolean;
}

/** A source file: its path from the repository's root, with `/`, and what it imports. */
export interface SourceFile {
  readonly path: string;
  readonly arrows: readonly Arrow[];
}

/** What the rules need to know of a package. */
export interface PackageFacts {
  /** The folder under packages/. */
  readonly folder: string;
  readonly name: string;
  readonly published: boolean;
  /** Subpaths that others may import: `.`, `./providers`. */
  readonly entries: readonly string[];
  /** Peers that a user may leave out. */
  readonly optionalPeers: readonly string[];
}

/**
 * The layers of packages/core/src, from the ground up; a name is a file without `.ts` or a folder. A layer may import what
 * lies below it. Within `rooms` nobody knows a neighbour; in the other layers neighbours may, without a circle.
 */
const LAYERS: readonly { readonly layer: string; readonly names: readonly string[] }[] = [
  {
    layer: 'leaves',
    names: [
      'errors',
      'loop-error',
      'provider-sdk-error',
      'find-error',
      'events',
      'money',
      'clock',
      'call',
      'outcome',
      'check-request',
      'show',
      'unlisten',
      'wire',
      'rejection',
    ],
  },
  {
    layer: 'rooms',
    names: ['pricing', 'budget', 'guardrails', 'control', 'alerts', 'telemetry', 'providers', 'backend'],
  },
  { layer: 'above rooms', names: ['config', 'node', 'scope'] },
  {
    layer: 'calls',
    names:
      'billed-prefixes input-bound claim price-book unread-usage settlement pace meter unfinished in-flight waiting gate watch prompt spend recorder next-call model-switch call-layer loop-watch engine refused admission guarded-* reserved-call'.split(
        ' ',
      ),
  },
  { layer: 'transport', names: ['transport'] },
  { layer: 'clients', names: ['clients'] },
  {
    layer: 'kavach',
    names: [
      'kavach',
      'run-scope',
      'status',
      'backend-status',
      'connection',
      'connected',
      'declaration',
      'delivery',
      'desks',
      'opening',
      'remote-stops',
      'store',
      'spend-keeper',
      'pool-keeper',
      'persistence',
      'limit-changes',
      'resume',
    ],
  },
  { layer: 'top', names: ['index', 'testing'] },
];

/** What each adapter may import besides @agentkavach/core: its framework, and nothing else. */
export const FRAMEWORKS: Readonly<Record<string, readonly string[]>> = {
  'vercel-ai': ['ai', '@ai-sdk/provider'],
  langchain: ['langchain', '@langchain/core', '@langchain/langgraph'],
  mastra: ['@mastra/core', '@agentkavach/vercel-ai', 'ai', '@ai-sdk/provider'],
};

/** Programs, which may use Node and any library. */
export const PROGRAMS: readonly string[] = ['embedded', 'cli'];

const CORE = 'packages/core/src/';

/** All that a file imports, type imports included. */
export function arrowsOf(source: string): Arrow[] {
  const arrows: Arrow[] = [];
  const add = (node: ts.Node | undefined, dynamic: boolean, typeOnly: boolean): void => {
    if (node && ts.isStringLiteralLike(node)) arrows.push({ specifier: node.text, dynamic, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, false, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, false, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, false, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], true, false);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('file.ts', source, ts.ScriptTarget.Latest));
  return arrows;
}

/** Every broken rule, as a sentence that names the file. Test files only owe the suffix: they may look anywhere. */
export function brokenRules(files: readonly SourceFile[], packages: readonly PackageFacts[]): string[] {
  const sources = files.filter(({ path }) => !isTest(path));
  return [
    ...files.flatMap(suffixes),
    ...sources.filter(({ path }) => path.startsWith(CORE)).flatMap(coreRules),
    ...sources.flatMap((file) => packageRules(file, packages)),
    ...circles(sources),
  ];
}

/** Tests and what only they use may look anywhere. */
function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || /\/src\/.+\/testing\//.test(path);
}

function suffixes({ path, arrows }: SourceFile): string[] {
  return arrows
    .filter(({ specifier }) => isRelative(specifier) && !/\.(ts|json)$/.test(specifier))
    .map(({ specifier }) => `${path}: '${specifier}' must end in .ts, because Deno loads the sources as they are.`);
}

function coreRules({ path, arrows }: SourceFile): string[] {
  const own = layerOf(path);
  if (own === undefined) {
    return [
      `${path}: '${topName(path)}' is in no layer. Add it to LAYERS in scripts/import-rules.ts, where its imports allow it.`,
    ];
  }
  return arrows.flatMap(({ specifier, dynamic, typeOnly }) => {
    if (isBuiltin(specifier)) {
      return topName(path) === 'node'
        ? []
        : [`${path}: '${specifier}' is Node's alone; put what needs it under src/node/.`];
    }
    if (!isRelative(specifier)) return [];
    const target = resolve(path, specifier);
    if (!target.startsWith(CORE)) {
      // Farther out, the rule for packages speaks.
      return target.startsWith('packages/core/') ? [`${path}: '${specifier}' leaves packages/core/src.`] : [];
    }
    if (topName(target) === topName(path)) return [];
    if (topName(target) === 'node') {
      return dynamic || typeOnly
        ? []
        : [`${path}: '${specifier}' must be loaded with import(), because only Node has what it needs.`];
    }
    const other = layerOf(target);
    // A target in no layer is reported at the target itself.
    if (other === undefined || other < own || (other === own && LAYERS[own]?.layer !== 'rooms')) return [];
    return [
      other === own
        ? `${path}: '${specifier}' is a neighbouring room; rooms know each other only through the leaves.`
        : `${path}: '${specifier}' points up, from ${LAYERS[own]?.layer ?? ''} to ${LAYERS[other]?.layer ?? ''}.`,
    ];
  });
}

function packageRules({ path, arrows }: SourceFile, packages: readonly PackageFacts[]): string[] {
  const own = packages.find(({ folder }) => path.startsWith(`packages/${folder}/src/`));
  if (!own?.published) return [];
  const core = packages.find(({ folder }) => folder === 'core');
  const public_ = (core?.entries ?? []).map((entry) => posix.join(core?.name ?? '', entry));
  const frameworks = FRAMEWORKS[own.folder];
  return arrows.flatMap(({ specifier, dynamic, typeOnly }) => {
    const to = packages.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`));
    if (to && !to.published) return [`${path}: '${specifier}' is private; nothing that is published may need it.`];
    if (isRelative(specifier)) {
      const inside = resolve(path, specifier).startsWith(`packages/${own.folder}/`);
      return inside ? [] : [`${path}: '${specifier}' leaves its package; import the other package by its name.`];
    }
    if (to && to === core && own !== core && !public_.includes(specifier)) {
      return [`${path}: '${specifier}' is no public entry of ${core.name}. There are: ${public_.join(', ')}.`];
    }
    const needed = !dynamic && !typeOnly && !path.startsWith(`${CORE}node/`);
    if (needed && own.optionalPeers.includes(packageOf(specifier))) {
      return [`${path}: '${specifier}' is an optional peer; load it with import(), or import only types.`];
    }
    if (frameworks && to !== core && !frameworks.includes(packageOf(specifier))) {
      return [
        `${path}: '${specifier}' is neither ${core?.name ?? 'core'} nor one of ${frameworks.join(', ')} (FRAMEWORKS in scripts/import-rules.ts).`,
      ];
    }
    return [];
  });
}

/** Circles among the arrows that load with the file. One sentence for each circle found. */
function circles(files: readonly SourceFile[]): string[] {
  const graph = new Map(
    files.map(({ path, arrows }) => [
      path,
      arrows
        .filter(({ specifier, dynamic }) => isRelative(specifier) && !dynamic)
        .map(({ specifier }) => resolve(path, specifier)),
    ]),
  );
  const found: string[] = [];
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      found.push(`${[...trail.slice(trail.indexOf(path)), path].join(' → ')} is a circle.`);
      return;
    }
    if (finished.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    finished.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

function layerOf(path: string): number | undefined {
  const name = topName(path);
  const at = LAYERS.findIndex(({ names }) =>
    names.some((known) => (known.endsWith('*') ? name.startsWith(known.slice(0, -1)) : name === known)),
  );
  return at === -1 ? undefined : at;
}

function topName(path: string): string {
  return path.slice(CORE.length).split('/')[0]?.replace(/\.ts$/, '') ?? '';
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('./') || specifier.startsWith('../');
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
