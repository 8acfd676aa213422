/** OpenAI's older text completions: https://developers.openai.com/api/reference/resources/completions */
import { textChunks } from '../answer.ts';
import { objectOf } from '../json.ts';
import { chatUsage } from './openai-chat.ts';
import type { Frame, Wire } from './wire.ts';
import { cap, data, join, required } from './wire.ts';

/** Where the request sets no cap, OpenAI stops here. */
const DEFAULT_CAP = 16;

const FINISH = { stop: 'stop', length: 'length', tool_calls: 'stop' } as const;

export const openaiCompletions: Wire = {
  provider: 'openai',
  api: 'chat',

  read(body) {
    const { prompt } = body;
    return {
      model: required(body, 'model'),
      streamed: body['stream'] === true,
      maxOutputTokens: cap(body['max_tokens'], 'max_tokens') ?? DEFAULT_CAP,
      candidates: cap(body['n'], 'n'),
      messages: Array.isArray(prompt) ? prompt : [prompt],
    };
  },

  whole(answer) {
    const text = join(answer.text);
    return {
      id: `cmpl-${answer.id}`,
      object: 'text_completion',
      created: answer.created,
      model: answer.model,
      choices: Array.from({ length: answer.request.candidates }, (_, index) => ({
        index,
        text,
        logprobs: null,
        finish_reason: FINISH[answer.stop],
      })),
      ...(answer.tellUsage && { usage: chatUsage(answer) }),
    };
  },

  *stream(answer): Generator<Frame> {
    const tell = objectOf(answer.request.body['stream_options'])?.['include_usage'] === true && answer.tellUsage;
    const chunk = (choices: unknown[], usage: unknown = null): string =>
      data({
        id: `cmpl-${answer.id}`,
        object: 'text_completion',
        created: answer.created,
        model: answer.model,
        choices,
        ...(tell && { usage }),
      });
    const piece = (text: string, finish: string | null = null): string =>
      chunk([{ index: 0, text, logprobs: null, finish_reason: finish }]);
    for (const part of textChunks(answer)) yield { bytes: piece(part.text), tokens: part.tokens, kind: 'delta' };
    yield { bytes: piece('', FINISH[answer.stop]), kind: 'end' };
    if (tell) yield { bytes: chunk([], chatUsage(answer)) };
    yield { bytes: 'data: [DONE]\n\n' };
  },
};
