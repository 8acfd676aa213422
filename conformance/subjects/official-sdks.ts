/** The providers' official clients, wrapped by `guard.wrap`. */
import type { Subject } from '../subject.ts';
import { anthropicHelper, anthropicStream, anthropicWhole } from './anthropic-sdk.ts';
import { googleStream, googleWhole } from './google-sdk.ts';
import { CLAUDE, GEMINI, GPT_4_1, GPT_4O, MISTRAL } from './models.ts';
import { mistralStream, mistralWhole } from './mistral-sdk.ts';
import { openAIChatStream, openAIChatWhole, openAIResponsesStream, openAIResponsesWhole } from './openai-sdk.ts';

type Way = Pick<Subject, 'name' | 'streams' | 'open'>;

const whole = (name: string, open: Way['open']): Way => ({ name, streams: false, open });
const stream = (name: string, open: Way['open']): Way => ({ name, streams: true, open });

const wrapped = (
  framework: string,
  asked: Pick<Subject, 'provider' | 'model' | 'cheaper'>,
  ways: readonly Way[],
): readonly Subject[] => ways.map((way) => ({ framework, ...asked, ...way }));

export const OFFICIAL_SDKS: readonly Subject[] = [
  ...wrapped('OpenAI’s client, `guard.wrap`', GPT_4O, [
    whole('`chat.completions.create`', openAIChatWhole),
    stream('`chat.completions.create`, streamed', openAIChatStream),
  ]),
  ...wrapped('OpenAI’s client, `guard.wrap`', GPT_4_1, [
    whole('`responses.create`', openAIResponsesWhole),
    stream('`responses.create`, streamed', openAIResponsesStream),
  ]),
  ...wrapped('Anthropic’s client, `guard.wrap`', CLAUDE, [
    whole('`messages.create`', anthropicWhole),
    stream('`messages.create`, streamed', anthropicStream),
    stream('`messages.stream`', anthropicHelper),
  ]),
  ...wrapped('Google’s client, `guard.wrap`', GEMINI, [
    whole('`generateContent`', googleWhole),
    stream('`generateContentStream`', googleStream),
  ]),
  ...wrapped('Mistral’s client, `guard.wrap`', MISTRAL, [
    whole('`chat.complete`', mistralWhole),
    stream('`chat.stream`', mistralStream),
  ]),
];
