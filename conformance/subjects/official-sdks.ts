/** The providers' official clients, wrapped by `guard.wrap`. */
import type { Provider } from '@agentkavach/simulator';
import type { Subject } from '../subject.ts';
import { anthropicHelper, anthropicStream, anthropicWhole } from './anthropic-sdk.ts';
import { googleStream, googleWhole } from './google-sdk.ts';
import { mistralStream, mistralWhole } from './mistral-sdk.ts';
import { openAIChatStream, openAIChatWhole, openAIResponsesStream, openAIResponsesWhole } from './openai-sdk.ts';

type Way = Pick<Subject, 'name' | 'streams' | 'open'>;

const whole = (name: string, open: Way['open']): Way => ({ name, streams: false, open });
const stream = (name: string, open: Way['open']): Way => ({ name, streams: true, open });

const wrapped = (framework: string, provider: Provider, model: string, ways: readonly Way[]): readonly Subject[] =>
  ways.map((way) => ({ framework, provider, model, ...way }));

export const OFFICIAL_SDKS: readonly Subject[] = [
  ...wrapped('OpenAI’s client, `guard.wrap`', 'openai', 'gpt-4o', [
    whole('`chat.completions.create`', openAIChatWhole),
    stream('`chat.completions.create`, streamed', openAIChatStream),
  ]),
  ...wrapped('OpenAI’s client, `guard.wrap`', 'openai', 'gpt-4.1', [
    whole('`responses.create`', openAIResponsesWhole),
    stream('`responses.create`, streamed', openAIResponsesStream),
  ]),
  ...wrapped('Anthropic’s client, `guard.wrap`', 'anthropic', 'claude-haiku-4-5', [
    whole('`messages.create`', anthropicWhole),
    stream('`messages.create`, streamed', anthropicStream),
    stream('`messages.stream`', anthropicHelper),
  ]),
  ...wrapped('Google’s client, `guard.wrap`', 'google', 'gemini-2.0-flash', [
    whole('`generateContent`', googleWhole),
    stream('`generateContentStream`', googleStream),
  ]),
  ...wrapped('Mistral’s client, `guard.wrap`', 'mistral', 'mistral-medium-latest', [
    whole('`chat.complete`', mistralWhole),
    stream('`chat.stream`', mistralStream),
  ]),
];
