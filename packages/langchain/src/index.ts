/** Hard budget limits for LangChain 1.x and LangGraph. */
export type { AgentKavach } from '@agentkavach/core';
