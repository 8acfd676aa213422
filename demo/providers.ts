/** Where the demo's model comes from: the simulator on this machine, or with `--live` a real provider. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { startSimulator, type Simulator } from '@agentkavach/simulator';

/** A model to run the demo on; the simulator where it is simulated. */
export interface DemoModel {
  readonly model: LanguageModelV4;
  readonly name: string;
  readonly simulator: Simulator | undefined;
}

const LIVE: Readonly<Record<string, (apiKey: string) => LanguageModelV4>> = {
  OPENAI_API_KEY: (apiKey) => createOpenAI({ apiKey })('gpt-4o'),
  ANTHROPIC_API_KEY: (apiKey) => createAnthropic({ apiKey })('claude-haiku-4-5'),
  GOOGLE_GENERATIVE_AI_API_KEY: (apiKey) => createGoogle({ apiKey })('gemini-2.5-flash'),
  GOOGLE_API_KEY: (apiKey) => createGoogle({ apiKey })('gemini-2.5-flash'),
  MISTRAL_API_KEY: (apiKey) => createMistral({ apiKey })('mistral-large-latest'),
};

/** A real provider, by the first key in the environment. */
export function liveModel(): DemoModel | undefined {
  for (const [variable, make] of Object.entries(LIVE)) {
    const key = process.env[variable];
    if (key === undefined || key === '') continue;
    const model = make(key);
    return { model, name: `${model.modelId} (real, key from ${variable})`, simulator: undefined };
  }
  return undefined;
}

/** The variables that `--live` looks at. */
export const LIVE_VARIABLES = Object.keys(LIVE);

/** A simulated OpenAI that speaks the real wire format and keeps its own ledger. */
export async function simulatedModel(): Promise<DemoModel> {
  const simulator = await startSimulator({
    script: ({ n }) => ({
      latencyMs: 120,
      reasoningTokens: 0,
      toolCalls: [{ name: 'search', arguments: { query: `report number ${n}, with all that it refers to` } }],
      text: 'I have read this report. It is not enough to answer, so I will look for the ones that it refers to. '.repeat(
        6,
      ),
    }),
  });
  const openai = createOpenAI({ baseURL: simulator.baseURL('openai'), apiKey: 'simulated' });
  return { model: openai.chat('gpt-4o'), name: 'gpt-4o (simulated on this machine)', simulator };
}
