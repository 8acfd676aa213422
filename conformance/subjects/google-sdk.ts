/** The official Google client: generateContent, whole and streamed. */
import { GoogleGenAI, type Content, type GenerateContentParameters, type GenerateContentResponse } from '@google/genai';
import type { Simulator } from '@agentkavach/simulator';
import type { Client, Task } from '../subject.ts';
import { converse, type Answer, type Dialect } from './conversation.ts';
import { GEMINI } from './models.ts';

const google: Dialect<Content> = {
  user: (prompt) => ({ role: 'user', parts: [{ text: prompt }] }),
  told: (results) => [
    { role: 'user', parts: results.map(({ name, output }) => ({ functionResponse: { name, response: { output } } })) },
  ],
};

const wrapped = (sim: Simulator, { guard, retries = 0 }: Task): GoogleGenAI =>
  guard.wrap(
    new GoogleGenAI({
      apiKey: 'test',
      httpOptions: {
        baseUrl: sim.baseURL('google').replace(/\/v1beta$/, ''),
        retryOptions: { attempts: retries + 1, initialDelay: 0.001 },
      },
    }),
  );

function request(
  { model = GEMINI.model, maxOutputTokens, tools = [], signal }: Task,
  contents: readonly Content[],
): GenerateContentParameters {
  return {
    model,
    contents: [...contents],
    config: {
      ...(maxOutputTokens !== undefined && { maxOutputTokens }),
      ...(signal !== undefined && { abortSignal: signal }),
      ...(tools.length > 0 && { tools: [{ functionDeclarations: tools.map(({ name }) => ({ name })) }] }),
    },
  };
}

/** The parts of one or more chunks as an answer. */
export function readParts(chunks: readonly GenerateContentResponse[]): Answer<Content> {
  const parts = chunks.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
  return {
    text: parts.map(({ text = '' }) => text).join(''),
    wants: parts.flatMap(({ functionCall: call }) =>
      call === undefined ? [] : [{ id: call.id ?? '', name: call.name ?? '' }],
    ),
    said: [{ role: 'model', parts }],
  };
}

/** `ai.models.generateContent` */
export const googleWhole =
  (sim: Simulator): Client =>
  (task) => {
    const { models } = wrapped(sim, task);
    return converse(task, google, async (contents) =>
      readParts([await models.generateContent(request(task, contents))]),
    );
  };

/** `ai.models.generateContentStream` */
export const googleStream =
  (sim: Simulator): Client =>
  (task) => {
    const { models } = wrapped(sim, task);
    return converse(task, google, async (contents) =>
      readStream(await models.generateContentStream(request(task, contents)), task),
    );
  };

/** A streamed answer. */
export async function readStream(
  stream: AsyncIterable<GenerateContentResponse>,
  { onText }: Task,
): Promise<Answer<Content>> {
  const chunks: GenerateContentResponse[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
    const { text } = readParts([chunk]);
    if (text !== '' && onText?.(text) === 'leave') break;
  }
  return readParts(chunks);
}
