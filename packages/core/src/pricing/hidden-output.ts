/**
 * Whether a model may produce output that its stream does not show. Reasoning is billed as output, but OpenAI and
 * Google stream none of it or a summary; what was seen of such a stream says nothing about its bill.
 */

/** Models by name, behind any router's prefix: OpenAI's o-series and GPT-5, Gemini from 2.5, Grok. */
const UNSEEN =
  /(?:^|[/.:])(?:o\d|gpt-(?:5|[6-9])|codex|computer-use|gemini-(?:2\.5|[3-9])|gemini-(?:flash|pro)|grok-)/i;

/**
 * At Azure a model has the name that somebody gave its deployment, which says nothing: there, any may.
 *
 * @example mayReasonUnseen('openai', 'gpt-5-mini') // true
 * @example mayReasonUnseen('openai', 'gpt-4o') // false
 */
export function mayReasonUnseen(provider: string, model: string): boolean {
  return provider.startsWith('azure') || UNSEEN.test(model);
}
