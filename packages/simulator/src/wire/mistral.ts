/** Mistral's chat completions: https://docs.mistral.ai/api */
import type { Answer } from '../answer.ts';
import { reasoningChunks, textChunks } from '../answer.ts';
import { isObject, listOf, objectOf, stringOf } from '../json.ts';
import type { Frame, Wire } from './wire.ts';
import { BadRequest, cap, data, join, required } from './wire.ts';

const FINISH = { stop: 'stop', length: 'length', tool_calls: 'tool_calls' } as const;

/** Reasoning is part of the completion and is not told apart. */
function usageOf({ usage }: Answer): Record<string, unknown> {
  return {
    prompt_tokens: usage.inputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    completion_tokens: usage.outputTokens,
    ...(usage.cacheReadTokens > 0 && {
      num_cached_tokens: usage.cacheReadTokens,
      prompt_tokens_details: { cached_tokens: usage.cacheReadTokens },
    }),
  };
}

const thinking = (text: string): unknown => ({ type: 'thinking', thinking: [{ type: 'text', text }] });

/** Mistral's ids of tool calls are nine letters and digits. */
const toolCall = (call: Answer['toolCalls'][number], index: number): unknown => ({
  id: call.id.slice(0, 9),
  function: { name: call.name, arguments: call.json },
  index,
});

/** Completion in the middle: the answer of a chat, from a prompt and what follows it. */
export const mistralFim: Wire = {
  provider: 'mistral',
  api: 'chat',
  read: (body) => ({
    model: required(body, 'model'),
    streamed: body['stream'] === true,
    maxOutputTokens: cap(body['max_tokens'], 'max_tokens'),
    messages: [required(body, 'prompt'), ...(body['suffix'] === undefined ? [] : [body['suffix']])],
  }),
  whole: (answer) => mistralChat.whole(answer),
  stream: (answer) => mistralChat.stream?.(answer) ?? [],
};

export const mistralChat: Wire = {
  provider: 'mistral',
  api: 'chat',

  read(body) {
    if (!Array.isArray(body['messages'])) throw new BadRequest('messages: Field required', 'messages');
    const tools = listOf(body['tools']).filter(isObject);
    return {
      model: required(body, 'model'),
      streamed: body['stream'] === true,
      maxOutputTokens: cap(body['max_tokens'], 'max_tokens'),
      candidates: cap(body['n'], 'n'),
      messages: listOf(body['messages']),
      definitions: [...tools, ...(body['response_format'] ? [body['response_format']] : [])],
      toolNames: tools.flatMap((tool) => stringOf(objectOf(tool['function'])?.['name']) ?? []),
    };
  },

  whole(answer) {
    const text = join(answer.text);
    const content = answer.reasoning.length > 0 ? [thinking(join(answer.reasoning)), { type: 'text', text }] : text;
    return {
      id: answer.id,
      created: answer.created,
      model: answer.model,
      ...(answer.tellUsage && { usage: usageOf(answer) }),
      object: 'chat.completion',
      choices: Array.from({ length: answer.request.candidates }, (_, index) => ({
        index,
        finish_reason: FINISH[answer.stop],
        message: {
          role: 'assistant',
          tool_calls: answer.toolCalls.length > 0 ? answer.toolCalls.map(toolCall) : null,
          content,
        },
      })),
    };
  },

  *stream(answer): Generator<Frame> {
    const chunk = (index: number, delta: unknown, finish: string | null = null, usage?: unknown): string =>
      data({
        id: answer.id,
        object: 'chat.completion.chunk',
        created: answer.created,
        model: answer.model,
        choices: [{ index, delta, finish_reason: finish, logprobs: null }],
        ...(usage !== undefined && { usage }),
      });
    for (let index = 0; index < answer.request.candidates; index += 1) {
      yield { bytes: chunk(index, { role: 'assistant', content: '' }) };
      for (const part of reasoningChunks(answer)) {
        yield { bytes: chunk(index, { content: [thinking(part.text)] }), tokens: part.tokens, kind: 'delta' };
      }
      for (const part of textChunks(answer)) {
        yield { bytes: chunk(index, { content: part.text }), tokens: part.tokens, kind: 'delta' };
      }
      for (const [at, call] of answer.toolCalls.entries()) {
        yield {
          bytes: chunk(index, { content: '', tool_calls: [toolCall(call, at)] }),
          tokens: call.tokens,
          kind: 'delta',
        };
      }
      const last = index === answer.request.candidates - 1;
      const usage = last && answer.tellUsage ? usageOf(answer) : undefined;
      yield { bytes: chunk(index, { content: '' }, FINISH[answer.stop], usage), ...(last && { kind: 'end' }) };
    }
    yield { bytes: 'data: [DONE]\n\n' };
  },
};
