/**
 * Hard budget limits for Mastra 1.x.
 *
 * @example
 * import { Mastra } from '@mastra/core';
 * import { kavach } from '@agentkavach/mastra';
 * export const mastra = kavach({ budget: Budget.daily(5) }).register(new Mastra({ agents }));
 */
export { kavach, type KavachPlugin } from './plugin.ts';
