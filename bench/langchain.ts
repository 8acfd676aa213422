/** What the LangChain handler, middleware and guarded model add, each over a stand-in that does nothing, in the same run. */
import { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import type { ChatResult } from '@langchain/core/outputs';
import { createAgent, createMiddleware, modelCallLimitMiddleware, type AgentMiddleware } from 'langchain';
import { AgentKavach, Budget } from '../packages/core/src/index.ts';
import { guardChatModel, kavachHandler, kavachMiddleware } from '../packages/langchain/src/index.ts';
import { medians, type Section } from './measure.ts';

const MESSAGES = [new HumanMessage('What is the capital of France?')];

const ANSWER: ChatResult = {
  generations: [
    {
      text: 'Paris',
      message: Object.assign(new AIMessage('Paris'), {
        usage_metadata: { input_tokens: 20, output_tokens: 1, total_tokens: 21 },
      }),
    },
  ],
};

/** A model that answers at once, under OpenAI's names. */
class InstantModel extends BaseChatModel {
  readonly model = 'gpt-4o';
  readonly maxTokens = 500;

  _llmType(): string {
    return 'openai';
  }
  override getLsParams(): ReturnType<BaseChatModel['getLsParams']> {
    return { ls_provider: 'openai', ls_model_name: this.model, ls_model_type: 'chat', ls_max_tokens: this.maxTokens };
  }
  override invocationParams(): object {
    return { model: this.model, max_tokens: this.maxTokens };
  }
  override bindTools(): this {
    return this;
  }
  _generate(): Promise<ChatResult> {
    return Promise.resolve(ANSWER);
  }
}

/** A handler that is awaited and does nothing. */
class IdleHandler extends BaseCallbackHandler {
  readonly name = 'IdleHandler';
  constructor() {
    super({ raiseError: true });
  }
  override async handleChatModelStart(): Promise<void> {
    // Nothing.
  }
  override async handleLLMEnd(): Promise<void> {
    // Nothing.
  }
}

/** Everything on: several budgets, all guardrails, a listener. */
function everything(): AgentKavach {
  const guard = new AgentKavach({
    budget: [Budget.daily(1_000), Budget.monthly(5_000), Budget.tokens(1e14, 'daily')],
    guardrails: {
      maxCallsPerRun: 1e9,
      maxTokensPerRun: 1e14,
      maxRuntimeSeconds: 86_400,
      maxToolCallsPerRun: 1e9,
      maxUsdPerMinute: 1e6,
    },
  });
  guard.on('spend', () => undefined);
  return guard;
}

// LangChain's own types don't hold under exactOptionalPropertyTypes.
const modelCallLimit = modelCallLimitMiddleware as unknown as (options: object) => AgentMiddleware;

/** LangChain figures, each as the difference to a stand-in in the same run. */
export async function langchainSection(): Promise<Section> {
  const guard = everything();
  const model = new InstantModel({});
  const guarded = guardChatModel(model, guard);
  const idle = { callbacks: [new IdleHandler()] };
  const held = { callbacks: [kavachHandler(guard)] };
  const call = await medians(
    {
      bare: () => model.invoke(MESSAGES),
      idle: () => model.invoke(MESSAGES, idle),
      held: () => model.invoke(MESSAGES, held),
      guarded: () => guarded.invoke(MESSAGES),
    },
    { batch: 20, rounds: 300 },
  );
  const agents = {
    noop: agentWith(createMiddleware({ name: 'Noop', wrapModelCall: (request, handler) => handler(request) })),
    kavach: agentWith(kavachMiddleware(guard)),
    limit: agentWith(modelCallLimit({ runLimit: 1_000 })),
  };
  const step = await medians(
    Object.fromEntries(
      Object.entries(agents).map(([name, agent]) => [name, () => agent.invoke({ messages: MESSAGES })]),
    ),
    { batch: 5, rounds: 200, warmUp: 2000 },
  );
  await guard.close();
  const over = (figures: Record<string, number>, name: string, base: string): number =>
    (figures[name] ?? NaN) - (figures[base] ?? NaN);
  return {
    title: 'LangChain (p50)',
    note: 'Three budgets, all guardrails and a listener; a model that answers at once.',
    figures: [
      { name: 'baseline: invoke with an awaited handler that does nothing', value: call['idle'] ?? NaN, unit: 'µs' },
      { name: 'kavachHandler() adds per call', value: over(call, 'held', 'idle'), unit: 'µs', target: 10 },
      { name: 'baseline: invoke without callbacks', value: call['bare'] ?? NaN, unit: 'µs' },
      { name: 'guardChatModel() adds per call', value: over(call, 'guarded', 'bare'), unit: 'µs' },
      { name: 'baseline: an agent’s run with a no-op wrapModelCall', value: step['noop'] ?? NaN, unit: 'µs' },
      { name: 'kavachMiddleware() adds per run', value: over(step, 'kavach', 'noop'), unit: 'µs', target: 100 },
      { name: 'modelCallLimitMiddleware() of LangChain adds per run', value: over(step, 'limit', 'noop'), unit: 'µs' },
    ],
  };
}

function agentWith(middleware: AgentMiddleware): ReturnType<typeof createAgent> {
  return createAgent({ model: new InstantModel({}), tools: [], middleware: [middleware] });
}
