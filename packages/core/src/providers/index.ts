/**
 * Reads the usage out of providers' raw answers, and the conversation out of their requests, for adapters and for clients
 * that AgentKavach does not wrap. Pure functions: nothing is sent, stored or logged.
 *
 * @example
 * import { figuresOfResponse } from '@agentkavach/core/providers';
 * await guard.call({ provider: 'openai', model, input: messages }, async () => {
 *   const body = await myClient.chat(messages);
 *   return { value: body, ...figuresOfResponse('openai', body) };
 * });
 */
export { historyOf } from './history.ts';
export { contentOf } from './history-turns.ts';
export {
  allowedToolCalls,
  hostedTool,
  inputRounds,
  isContainer,
  isHostedTool,
  QUERIES,
  reasonAgainst,
  searchesByQuery,
  TOOL_CALL_CEILING,
  type CallLimit,
  type HostedTool,
  type ProviderTool,
} from './hosted-tools.ts';
export { keptItemsOf, writtenItems, type KeptItems } from './kept-items.ts';
export { figuresOfResponse, usageFromRaw, type ResponseFigures } from './response.ts';
export { anthropicContainerFees, mergeAnthropicUsage, usageOfAnthropic } from './usage-anthropic.ts';
export { googleGroundingFees, usageOfGoogle, usageOfGoogleInteractions } from './usage-google.ts';
export { usageOfMistral } from './usage-mistral.ts';
export { openAISearchModelFees, openAIToolFees, usageOfOpenAIChat, usageOfOpenAIResponses } from './usage-openai.ts';
