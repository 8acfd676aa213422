import { ChatOpenAI } from '@langchain/openai';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { RunnableLambda } from '@langchain/core/runnables';
import { AgentKavach, Budget, CallLimitError, findKavachError } from '@agentkavach/core';
import { kavachHandler } from '@agentkavach/langchain';

const guard = new AgentKavach({
  agentName: 'translator',
  budget: Budget.daily(1),
  guardrails: { maxCallsPerRun: 2 },
});
const handler = kavachHandler(guard);

// A chain from somewhere else, whose model you can't reach. A callback can't lower its output cap, so it needs one of its own.
const model = new ChatOpenAI({ model: 'gpt-4o-mini', maxTokens: 200, maxRetries: 0 });
const chain = ChatPromptTemplate.fromTemplate('Say hello in {language}.')
  .pipe(model)
  .pipe(RunnableLambda.from(({ text }: { text: string }) => text));

await guard.run(async () => {
  try {
    for (const language of ['French', 'Hindi', 'Welsh']) {
      // config() also ends the run at a refusal, whatever inside it would go on. Take a new one for each.
      console.log(await chain.invoke({ language }, handler.config()));
    }
  } catch (error) {
    const refusal = findKavachError(error);
    if (!CallLimitError.isInstance(refusal)) throw error;
    console.log(`${refusal.code}: ${refusal.used} of ${refusal.limit} calls`);
  }
});
console.log(guard.status().budgets);
