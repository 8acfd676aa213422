/** Prices of clouds and routers where they differ from the vendor's own. */
import type { CatalogRow, DatedSheet } from '../src/pricing/catalog-row.ts';
import { modelRoutes, withoutDate } from '../src/pricing/model-id.ts';
import { idsIn, modelsOf, pricesOf } from './genai-source.ts';

interface RouterDraft {
  readonly provider: string;
  readonly id: string;
  readonly prices: readonly DatedSheet[];
}

/** Mistral's models on Amazon Bedrock. Claude's are priced by the vendor's row and the region. */
export function bedrockRows(): RouterDraft[] {
  return modelsOf('aws')
    .filter((model) => model.id.startsWith('mistral.') && !model.id.includes('voxtral'))
    .map((model) => ({ provider: 'bedrock', id: model.id, prices: pricesOf(model) }));
}

/** Open weights, which other hosts serve at other prices. */
const SERVED_BY_MANY = /^(mistralai|openai\/gpt-oss|google\/gemma)/;

/**
 * OpenRouter's models of the four vendors that the vendor's own row does not price: open weights that many hosts
 * serve, and names of its own. It passes the vendors' prices on, so theirs hold for the rest.
 */
export function openrouterRows(vendorRows: readonly CatalogRow[]): RouterDraft[] {
  const rows = new Map(vendorRows.flatMap((row) => row.ids.map((id) => [`${row.provider}/${id}`, row] as const)));
  const pricedByVendor = (id: string) =>
    modelRoutes('openrouter', id).some((route) => {
      const undated = withoutDate(route.id) ?? '';
      return rows.has(`${route.provider}/${route.id}`) || rows.get(`${route.provider}/${undated}`)?.dated === true;
    });
  return modelsOf('openrouter')
    .filter((model) => /^(openai|anthropic|google|mistralai)\//.test(model.id))
    .flatMap((model) => idsIn(model.match).map((id) => ({ id, model })))
    .filter(({ id }) => id.includes('/') && (SERVED_BY_MANY.test(id) || !pricedByVendor(id)))
    .filter(
      ({ id }) =>
        !/image|audio|voxtral|lyria|exp|palm|claude-2|gemini-(pro|flash)-1|gemini-pro|flash-preview|whisper/.test(id),
    )
    .map(({ id, model }) => ({ provider: 'openrouter', id, prices: freeOrPriced(id, pricesOf(model)) }))
    .filter(({ prices }) => prices.length > 0);
}

function freeOrPriced(id: string, prices: DatedSheet[]): DatedSheet[] {
  return prices.length === 0 && id.endsWith(':free') ? [{ rates: { input: 0, output: 0 } }] : prices;
}
