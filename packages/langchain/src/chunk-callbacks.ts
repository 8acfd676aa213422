/**
 * What it does to a stream when the callback of a chunk throws. LangChain leaves that to each integration, and one that
 * does not wait for the callback turns its error into an unhandled rejection, which ends the process.
 */
import { fields, list } from './shape.ts';

/** Integrations that wait for the callback and disconnect the provider when it throws. */
const DISCONNECTING = new Set<unknown>([
  'ChatOpenAI',
  'ChatOpenAICompletions',
  'ChatOpenAIResponses',
  'AzureChatOpenAI',
  'AzureChatOpenAICompletions',
  'AzureChatOpenAIResponses',
  'ChatAnthropic',
]);
/** Those that wait for it, and leave the provider to write on. */
const WAITING = new Set<unknown>(['ChatGoogleGenerativeAI']);

/**
 * Whether the callback may throw.
 *
 * @param llm the serialised model, as callbacks get it
 */
export function mayThrow(llm: object): boolean {
  const name = nameOf(llm);
  return DISCONNECTING.has(name) || WAITING.has(name);
}

/** Whether the provider is disconnected then. */
export function disconnects(llm: object): boolean {
  return DISCONNECTING.has(nameOf(llm));
}

function nameOf(llm: object): unknown {
  return list(fields(llm)?.['id']).at(-1);
}
