/** The adapter's types fit LangChain's own, without casts. */
import type { BaseCallbackHandler, CallbackHandlerMethods } from '@langchain/core/callbacks/base';
import type { Callbacks } from '@langchain/core/callbacks/manager';
import type { Embeddings } from '@langchain/core/embeddings';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type { RunnableConfig } from '@langchain/core/runnables';
import { ChatAnthropic } from '@langchain/anthropic';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { AgentKavach, Budget } from '@agentkavach/core';
import { createAgent, type AgentMiddleware, type AnyAgentMiddleware } from 'langchain';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { guardChatModel, guardEmbeddings, KavachHandler, kavachHandler, kavachMiddleware } from '../src/index.ts';

const guard = new AgentKavach({ budget: Budget.total(1) });
const other = new AgentKavach({ agentName: 'other', budget: Budget.total(1) });

describe('types', () => {
  it('of the handler fit callbacks and configs', () => {
    const handler = kavachHandler(guard);
    expectTypeOf(handler).toExtend<BaseCallbackHandler>();
    expectTypeOf(handler).toExtend<CallbackHandlerMethods>();
    expectTypeOf([handler]).toExtend<Callbacks>();
    expectTypeOf([kavachHandler]).toExtend<Callbacks>();
    expectTypeOf(handler.config()).toExtend<RunnableConfig>();
    expectTypeOf(new KavachHandler(guard).copy()).toEqualTypeOf<KavachHandler>();
    expect(handler.raiseError && handler.awaitHandlers).toBe(true);
    expect(handler.copy()).toBe(handler);
  });

  it('of the middleware fit createAgent', () => {
    const middleware = kavachMiddleware(guard);
    expectTypeOf(middleware).toExtend<AgentMiddleware>();
    expectTypeOf(middleware).toExtend<AnyAgentMiddleware>();
    const model = new ChatOpenAI({ model: 'gpt-4o', apiKey: 'test' });
    const agent = createAgent({
      model,
      tools: [],
      middleware: [middleware, kavachMiddleware(other, { exitBehavior: 'end' })],
    });
    expectTypeOf(agent.invoke).toBeFunction();
    expect(middleware.name).toBe('KavachMiddleware (default)');
  });

  it('of a guarded object are its own', () => {
    const openai = guardChatModel(new ChatOpenAI({ model: 'gpt-4o', apiKey: 'test' }), guard);
    expectTypeOf(openai).toEqualTypeOf<ChatOpenAI>();
    const claude = guardChatModel(new ChatAnthropic({ model: 'claude-sonnet-4-5', apiKey: 'test' }), {
      budget: Budget.total(1),
    });
    expectTypeOf(claude).toEqualTypeOf<ChatAnthropic>();
    expectTypeOf<BaseChatModel>(openai);
    const embeddings = guardEmbeddings(new OpenAIEmbeddings({ apiKey: 'test' }), guard);
    expectTypeOf(embeddings).toExtend<Embeddings>();
    expect(openai).toBeInstanceOf(ChatOpenAI);
  });
});
