/** OpenAI's Chat Completions: https://developers.openai.com/api/reference/resources/chat */
import type { Answer } from '../answer.ts';
import { textChunks } from '../answer.ts';
import { isObject, listOf, objectOf, stringOf } from '../json.ts';
import type { Frame, Wire } from './wire.ts';
import { BadRequest, cap, data, join, required } from './wire.ts';

const FINISH = { stop: 'stop', length: 'length', tool_calls: 'tool_calls' } as const;

/** Usage in this format; Mistral's is a subset of it. */
export function chatUsage({ usage }: Answer): Record<string, unknown> {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      audio_tokens: 0,
      ...(usage.cacheWriteTokens > 0 && { cache_write_tokens: usage.cacheWriteTokens }),
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

export const openaiChat: Wire = {
  provider: 'openai',
  api: 'chat',

  read(body) {
    if (!Array.isArray(body['messages'])) throw new BadRequest("Missing required parameter: 'messages'.", 'messages');
    const tools = listOf(body['tools']).filter(isObject);
    return {
      model: required(body, 'model'),
      streamed: body['stream'] === true,
      maxOutputTokens:
        cap(body['max_completion_tokens'], 'max_completion_tokens') ?? cap(body['max_tokens'], 'max_tokens'),
      candidates: cap(body['n'], 'n'),
      serviceTier: stringOf(body['service_tier']),
      messages: listOf(body['messages']),
      definitions: [...tools, ...(body['response_format'] ? [body['response_format']] : [])],
      toolNames: tools.flatMap((tool) => stringOf(objectOf(tool['function'])?.['name']) ?? []),
    };
  },

  whole(answer) {
    const text = join(answer.text);
    return {
      id: `chatcmpl-${answer.id}`,
      object: 'chat.completion',
      created: answer.created,
      model: answer.model,
      choices: Array.from({ length: answer.request.candidates }, (_, index) => ({
        index,
        message: {
          role: 'assistant',
          content: text === '' && answer.toolCalls.length > 0 ? null : text,
          ...(answer.toolCalls.length > 0 && {
            tool_calls: answer.toolCalls.map((call) => ({
              id: `call_${call.id}`,
              type: 'function',
              function: { name: call.name, arguments: call.json },
            })),
          }),
          refusal: null,
          annotations: [],
        },
        logprobs: null,
        finish_reason: FINISH[answer.stop],
      })),
      ...(answer.tellUsage && { usage: chatUsage(answer) }),
      service_tier: answer.serviceTier,
      system_fingerprint: 'fp_simulator',
    };
  },

  *stream(answer): Generator<Frame> {
    const tell = objectOf(answer.request.body['stream_options'])?.['include_usage'] === true && answer.tellUsage;
    const chunk = (choices: unknown[], usage: unknown = null): string =>
      data({
        id: `chatcmpl-${answer.id}`,
        object: 'chat.completion.chunk',
        created: answer.created,
        model: answer.model,
        service_tier: answer.serviceTier,
        system_fingerprint: 'fp_simulator',
        choices,
        ...(tell && { usage }),
      });
    for (let index = 0; index < answer.request.candidates; index += 1) {
      const delta = (value: unknown, finish: string | null = null): string =>
        chunk([{ index, delta: value, logprobs: null, finish_reason: finish }]);
      const content = answer.text.length === 0 && answer.toolCalls.length > 0 ? null : '';
      yield { bytes: delta({ role: 'assistant', content, refusal: null }) };
      // This format never shows reasoning: it comes, and is paid for, before the first chunk.
      let hidden = answer.reasoning.length;
      for (const part of textChunks(answer)) {
        yield { bytes: delta({ content: part.text }), tokens: part.tokens + hidden, kind: 'delta' };
        hidden = 0;
      }
      for (const [at, call] of answer.toolCalls.entries()) {
        const start = {
          index: at,
          id: `call_${call.id}`,
          type: 'function',
          function: { name: call.name, arguments: '' },
        };
        yield { bytes: delta({ tool_calls: [start] }), tokens: hidden };
        hidden = 0;
        const rest = { index: at, function: { arguments: call.json } };
        yield { bytes: delta({ tool_calls: [rest] }), tokens: call.tokens, kind: 'delta' };
      }
      const last = index === answer.request.candidates - 1;
      yield { bytes: delta({}, FINISH[answer.stop]), tokens: hidden, ...(last && { kind: 'end' }) };
    }
    if (tell) yield { bytes: chunk([], chatUsage(answer)) };
    yield { bytes: 'data: [DONE]\n\n' };
  },
};
