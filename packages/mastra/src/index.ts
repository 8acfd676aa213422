/**
 * Hard budget limits for Mastra 1.x.
 *
 * @example
 * import { Mastra } from '@mastra/core';
 * import { kavach } from '@agentkavach/mastra';
 * export const mastra = kavach({ budget: Budget.daily(5) }).register(new Mastra({ agents }));
 */
export { KavachGateway } from './gateway.ts';
export { kavach, type ForMastra, type KavachPlugin } from './plugin.ts';
export { KavachProcessor, type KavachTripwire } from './processor.ts';
export type { GuardOrOptions, MastraSettings } from './settings.ts';
