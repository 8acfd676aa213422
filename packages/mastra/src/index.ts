/** Hard budget limits for Mastra 1.x. */
export type { AgentKavach } from '@agentkavach/core';
