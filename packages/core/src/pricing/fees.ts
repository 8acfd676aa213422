/**
 * What providers charge by the call for tools that they run themselves. The names here are the keys of
 * `Usage.toolCalls` and `PriceHints.toolCalls`.
 */

/** The fee names. */
export const FEE = {
  /** A web search: OpenAI's `web_search_call` with action `search`, Anthropic's `web_search_requests`, Gemini's grounding. */
  webSearch: 'web_search',
  /** OpenAI's older `web_search_preview` tool and the search-preview chat models. */
  webSearchPreview: 'web_search_preview',
  /** A query to a hosted vector store (OpenAI file search). */
  fileSearch: 'file_search',
  /**
   * Code run by the provider: Anthropic's container hour, Mistral's code interpreter, a container of 1 GB at OpenAI, be
   * it for the code interpreter or the hosted shell.
   */
  codeExecution: 'code_execution',
  /** A container of 4 GB at OpenAI. */
  codeExecution4g: 'code_execution_4g',
  /** A container of 16 GB at OpenAI. */
  codeExecution16g: 'code_execution_16g',
  /** A container of 64 GB at OpenAI. */
  codeExecution64g: 'code_execution_64g',
  /** Gemini's grounding with Google Search. The same fee as `web_search` there. */
  googleSearch: 'google_search',
  /** Gemini's grounding with Google Maps. */
  googleMaps: 'google_maps',
  /** An image made inside a chat answer, where it is billed by the image (Mistral). */
  imageGeneration: 'image_generation',
  /** Fetching a page: billed as tokens only. */
  webFetch: 'web_fetch',
  /** Gemini's URL context: billed as tokens only. */
  urlContext: 'url_context',
} as const;

/**
 * USD per 1,000 calls, by provider. A name that a provider does not list is charged at its dearest fee: a tool we
 * have not heard of must not be free.
 *
 * Sources, read 2026-11: developers.openai.com/api/docs/pricing (built-in tools; containers by memory, charged here as a
 * whole session of 20 minutes, although from 2026-06-02 a shorter one costs less), platform.claude.com/docs/en/about-claude/pricing
 * (web search 10 per 1,000; code execution 0.05 per container hour, charged here as one hour a call),
 * ai.google.dev/gemini-api/docs/pricing (grounding), mistral.ai/pricing (connectors).
 */
export const PROVIDER_FEES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  openai: {
    web_search: 10,
    web_search_preview: 25,
    file_search: 2.5,
    code_execution: 30,
    code_execution_4g: 120,
    code_execution_16g: 480,
    code_execution_64g: 1_920,
  },
  anthropic: { web_search: 10, web_fetch: 0, code_execution: 50 },
  google: { web_search: 35, google_search: 35, google_maps: 25, file_search: 0, code_execution: 0, url_context: 0 },
  mistral: { web_search: 30, code_execution: 30, image_generation: 100 },
};

/** Whether a fee is for a container, which costs up to sixty times what a tool call does. */
export function isContainerFee(name: string): boolean {
  return name.startsWith('code_execution');
}

/** For providers without a list of their own: each fee at the dearest that any provider asks for it. */
export const DEAREST_FEES: Readonly<Record<string, number>> = dearestFees();

function dearestFees(): Record<string, number> {
  const dearest: Record<string, number> = {};
  for (const fees of Object.values(PROVIDER_FEES)) {
    for (const [name, usd] of Object.entries(fees)) dearest[name] = Math.max(usd, dearest[name] ?? 0);
  }
  return dearest;
}
