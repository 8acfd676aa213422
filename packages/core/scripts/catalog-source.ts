/** Builds the price catalog from its sources, and prints it as a TypeScript module. */
import { LEFT_OUT, MORE_IDS, OVERRIDES } from '../prices/overrides.ts';
import type { Override } from '../prices/overrides/override.ts';
import type { CatalogRow, DatedSheet, UsdRates } from '../src/pricing/catalog-row.ts';
import { withoutDate } from '../src/pricing/model-id.ts';
import { factIds, factsOf, publishedTiers, roundUp, tiersOf } from './facts-source.ts';
import { idsIn, modelOf, modelsOf, pricesOf } from './genai-source.ts';
import { bedrockRows, openrouterRows } from './router-source.ts';
import { problemsOf } from './catalog-problems.ts';

/** One model id with all that is known about it. */
type Draft = { -readonly [K in keyof Omit<CatalogRow, 'ids'>]: CatalogRow[K] } & { readonly id: string };

const VENDORS = ['openai', 'anthropic', 'google', 'mistral'] as const;

/** The whole catalog, in a stable order. Throws where the sources contradict what the arithmetic relies on. */
export function buildCatalog(): CatalogRow[] {
  const drafts = VENDORS.flatMap(vendorDrafts);
  for (const override of OVERRIDES) applyOverride(drafts, override);
  for (const draft of drafts) finish(draft);
  const vendorRows = group(drafts);
  const rows = [...vendorRows, ...group(bedrockRows()), ...group(openrouterRows(vendorRows))];
  const problems = problemsOf(rows);
  if (problems.length > 0) throw new Error(`The catalog is not sound:\n${problems.join('\n')}`);
  return rows;
}

function vendorDrafts(provider: (typeof VENDORS)[number]): Draft[] {
  const listed = modelsOf(provider).flatMap((model) => [model.id, ...idsIn(model.match)]);
  const known = new Set([...listed, ...factIds(provider), ...(MORE_IDS[provider] ?? [])]);
  const idsByModel = new Map<string, string[]>();
  for (const id of [...known].sort()) {
    const model = modelOf(provider, id);
    if (model === undefined || isLeftOut(provider, id)) continue;
    // A prefix rule (`gpt-5-nano-`) is no id.
    if (!/[a-z0-9]$/.test(id)) continue;
    idsByModel.set(model.id, [...(idsByModel.get(model.id) ?? []), id]);
  }
  return [...idsByModel].flatMap(([modelId, ids]) => {
    const model = modelOf(provider, ids[0] ?? modelId);
    const prices = model === undefined ? [] : pricesOf(model);
    if (model === undefined || prices.length === 0) return [];
    const published = publishedTiers(ids);
    const tiered = prices.map((sheet) => {
      const tiers = tiersOf(provider, modelId, sheet, published);
      return tiers === undefined ? sheet : { ...sheet, tiers };
    });
    const facts = ids.map(factsOf);
    // Too large a limit only holds more money back; too small a one would let a call cost more than was held.
    const maxInput = Math.max(model.context_window ?? 0, ...facts.map((fact) => fact?.maxInput ?? 0));
    const maxOutput = Math.max(0, ...facts.map((fact) => fact?.maxOutput ?? 0));
    return ids.map((id) => draftOf(provider, id, { maxInput, maxOutput: factsOf(id)?.maxOutput ?? maxOutput }, tiered));
  });
}

function draftOf(
  provider: string,
  id: string,
  limits: { readonly maxInput: number; readonly maxOutput: number },
  prices: readonly DatedSheet[],
): Draft {
  const draft: Draft = { provider, id, prices };
  if (/embed/.test(id)) draft.kind = 'embedding';
  if (limits.maxInput > 0) draft.maxInput = limits.maxInput;
  if (limits.maxOutput > 0) draft.maxOutput = limits.maxOutput;
  if (/^(openai|anthropic)$/.test(provider) && acceptsDates(provider, id)) draft.dated = true;
  return draft;
}

/** Whether the first source takes the id with any release date for the same model. */
function acceptsDates(provider: string, id: string): boolean {
  const model = modelOf(provider, id)?.id;
  const date = provider === 'openai' ? '2099-01-01' : '20990101';
  return model !== undefined && withoutDate(id) === undefined && modelOf(provider, `${id}-${date}`)?.id === model;
}

function isLeftOut(provider: string, id: string): boolean {
  return LEFT_OUT.some((rule) => rule.provider === provider && rule.match.test(id));
}

function applyOverride(drafts: Draft[], override: Override): void {
  const name = override.ids?.join(', ') ?? String(override.match);
  const wanted =
    override.ids ??
    drafts.filter((d) => d.provider === override.provider && override.match?.test(d.id)).map((d) => d.id);
  let changed = false;
  for (const id of wanted) {
    let draft = drafts.find((d) => d.provider === override.provider && d.id === id);
    if (draft === undefined) {
      const { rates, prices } = override.set;
      const facts = factsOf(id);
      draft = draftOf(override.provider, id, { maxInput: facts?.maxInput ?? 0, maxOutput: facts?.maxOutput ?? 0 }, []);
      if (prices === undefined) {
        if (rates?.input === undefined || rates.output === undefined) {
          throw new Error(`Override of ${id}: a model that no source knows needs its rates`);
        }
        draft.prices = [{ rates: { ...rates, input: rates.input, output: rates.output } }];
      }
      drafts.push(draft);
      changed = true;
    }
    const before = JSON.stringify(draft);
    setFields(draft, override);
    changed ||= JSON.stringify(draft) !== before;
  }
  if (!changed) throw new Error(`The override of ${name} changes nothing any more: remove it`);
}

function setFields(draft: Draft, { set }: Override): void {
  const { rates, above, long, fastFactor, prices, ...fields } = set;
  Object.assign(draft, fields);
  draft.prices = (prices ?? draft.prices).map((sheet) => {
    const merged: DatedSheet = {
      ...sheet,
      ...(rates === undefined ? {} : { rates: { ...sheet.rates, ...rates } }),
      ...(above === undefined || (long ?? sheet.long) === undefined ? {} : { above }),
      ...(long === undefined ? {} : { long }),
    };
    // New rates make the tier rates of the old ones wrong.
    const next = rates === undefined && long === undefined && prices === undefined ? merged : withTiers(draft, merged);
    return fastFactor === undefined ? next : { ...next, tiers: { ...next.tiers, fast: fastTier(next, fastFactor) } };
  });
}

function withTiers(draft: Draft, { tiers: _old, ...sheet }: DatedSheet): DatedSheet {
  const tiers = tiersOf(draft.provider, draft.id, sheet, publishedTiers([draft.id]));
  return tiers === undefined ? sheet : { ...sheet, tiers };
}

function fastTier(sheet: DatedSheet, factor: number): { rates: UsdRates; long?: UsdRates } {
  const times = (rates: UsdRates): UsdRates => {
    const scaled = Object.entries(rates).map(([key, usd]) => [key, roundUp((usd as number) * factor)] as const);
    return { ...rates, ...Object.fromEntries(scaled) };
  };
  return { rates: times(sheet.rates), ...(sheet.long === undefined ? {} : { long: times(sheet.long) }) };
}

function finish(draft: Draft): void {
  // One embedding request holds many inputs, so the length of one of them bounds nothing.
  if (draft.kind === 'embedding') {
    delete draft.maxInput;
    delete draft.maxOutput;
    draft.prices = draft.prices.map((sheet) => ({ ...sheet, rates: { ...sheet.rates, output: 0 } }));
  }
  // "128k" at Mistral is a multiple of 32,768, which the lists round down.
  if (draft.provider === 'mistral' && draft.maxInput !== undefined)
    draft.maxInput = Math.ceil(draft.maxInput / 32_768) * 32_768;
  if (draft.maxInput !== undefined && draft.maxOutput !== undefined)
    draft.maxOutput = Math.min(draft.maxOutput, draft.maxInput);
}

function group(all: readonly Draft[]): CatalogRow[] {
  const dated = new Map(
    all.filter((draft) => draft.dated).map((draft) => [`${draft.provider}/${draft.id}`, priceOf(draft)]),
  );
  // An id with its date needs no entry where the id without it says the same.
  const drafts = all.filter(
    (draft) => dated.get(`${draft.provider}/${withoutDate(draft.id) ?? ''}`) !== priceOf(draft),
  );
  const groups = new Map<string, { draft: Draft; ids: string[] }>();
  for (const draft of drafts) {
    const { id, ...rest } = draft;
    const key = JSON.stringify(sorted(rest));
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { draft, ids: [id] });
    else known.ids.push(id);
  }
  return [...groups.values()]
    .map(({ draft: { id: _id, provider, ...rest }, ids }) => ({ provider, ids: ids.sort(), ...rest }))
    .sort((a, b) => order(a).localeCompare(order(b), 'en'));
}

/** All that an id's price consists of, as text to compare. */
function priceOf({ id: _id, dated: _dated, ...rest }: Draft): string {
  return JSON.stringify(sorted(rest));
}

function order(row: CatalogRow): string {
  return `${['openai', 'anthropic', 'google', 'mistral', 'bedrock', 'openrouter'].indexOf(row.provider)} ${row.ids[0] ?? ''}`;
}

const KEY_ORDER = [
  'provider', 'ids', 'dated', 'kind', 'maxInput', 'maxOutput', 'perImage', 'imageTokens', 'regional', 'fees', 'prices',
  'from', 'rates', 'above', 'long', 'tiers', 'batch', 'flex', 'priority', 'fast',
  'input', 'cacheRead', 'cacheWrite', 'cacheWrite1h', 'inputAudio', 'cacheReadAudio', 'inputImage', 'output', 'reasoning',
  'outputAudio', 'outputImage',
]; // prettier-ignore

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const rank = (key: string) => (KEY_ORDER.indexOf(key) + 1 || KEY_ORDER.length + 1) * 1000;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b, 'en'))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** The catalog as the text of `src/pricing/catalog.ts`, one row a line. */
export function printCatalog(rows: readonly CatalogRow[]): string {
  const lines = rows.map((row) => `  ${literal(sorted(row))},`);
  return [
    '/** Generated by scripts/compile-catalog.ts from the sources in prices/: do not edit. USD per million tokens. */',
    "import type { CatalogRow } from './catalog-row.ts';",
    '',
    '// prettier-ignore',
    'export const CATALOG: readonly CatalogRow[] = [',
    ...lines,
    '];',
    '',
  ].join('\n');
}

/** A value as a TypeScript literal, in the style of the code around it. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${key}: ${literal(inner)}`)
      .join(', ')} }`;
  }
  return typeof value === 'string' ? `'${value}'` : String(value);
}
