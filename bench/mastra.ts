/** What the Mastra plugin adds to a model call of an agent, over the same model without a guard. */
import type { LanguageModelV2CallOptions } from '@ai-sdk/provider';
import { Mastra } from '@mastra/core';
import { Agent, type MastraLanguageModel } from '@mastra/core/agent';
import { noopLogger } from '@mastra/core/logger';
import { AgentKavach, Budget } from '../packages/core/src/index.ts';
import { kavach } from '../packages/mastra/src/index.ts';
import { medians, type Section } from './measure.ts';

const PROMPT: LanguageModelV2CallOptions = {
  prompt: [{ role: 'user', content: [{ type: 'text', text: 'What is the capital of France?' }] }],
};

/** The calls are those that Mastra's loop makes on the model that the agent has resolved; the loop itself takes milliseconds. */
export async function mastraSection(): Promise<Section> {
  const guard = new AgentKavach({
    budget: [Budget.daily(1_000), Budget.monthly(5_000), Budget.tokens(1e14, 'daily')],
    guardrails: { maxCallsPerRun: 1e9, maxTokensPerRun: 1e14, maxRuntimeSeconds: 86_400, maxUsdPerMinute: 1e6 },
  });
  guard.on('spend', () => undefined);
  const bare = instance().getAgent('agent');
  const guarded = kavach(guard).register(instance()).getAgent('agent');
  const [bareModel, guardedModel] = [await bare.getModel(), await guarded.getModel()];
  const p50 = await medians({
    bare: () => send(bareModel),
    guarded: () => send(guardedModel),
    bareRun: async () => send(await bare.getModel()),
    guardedRun: async () => send(await guarded.getModel()),
  });
  await guard.close();
  const added = (name: string): number => (p50[name.replace('bare', 'guarded')] ?? NaN) - (p50[name] ?? NaN);
  return {
    title: 'Mastra plugin (p50)',
    note: 'Three budgets, all guardrails and a listener. One model call as the loop of an agent makes it, on a model that answers at once.',
    figures: [
      { name: 'baseline: the call on an unguarded model', value: p50['bare'] ?? NaN, unit: 'µs' },
      { name: 'the plugin adds per model call', value: added('bare'), unit: 'µs', target: 15 },
      { name: 'baseline: the agent resolves its model, and calls it', value: p50['bareRun'] ?? NaN, unit: 'µs' },
      { name: 'the plugin adds to both', value: added('bareRun'), unit: 'µs', target: 15 },
    ],
  };
}

function instance(): Mastra<{ agent: Agent<'a'> }> {
  const agent = new Agent({ id: 'a', name: 'a', instructions: 'Answer.', model: mock() });
  return new Mastra({ logger: noopLogger, agents: { agent } });
}

function send(model: object): PromiseLike<unknown> {
  const method: unknown = Reflect.get(model, 'doGenerate');
  if (typeof method !== 'function') throw new Error('Mastra resolved no model.');
  return Reflect.apply(method, model, [PROMPT]) as PromiseLike<unknown>;
}

function mock(): MastraLanguageModel {
  const answer = {
    content: [{ type: 'text' as const, text: 'Paris' }],
    finishReason: 'stop' as const,
    usage: { inputTokens: 20, outputTokens: 1, totalTokens: 21 },
    warnings: [],
    stream: new ReadableStream(),
  };
  return {
    specificationVersion: 'v2',
    provider: 'openai.responses',
    modelId: 'gpt-4o',
    supportedUrls: {},
    doGenerate: () => Promise.resolve(answer),
    doStream: () => Promise.resolve(answer),
  };
}
