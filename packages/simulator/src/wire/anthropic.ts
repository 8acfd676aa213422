/** Anthropic's Messages: https://platform.claude.com/docs/en/api/messages */
import type { Answer } from '../answer.ts';
import { reasoningChunks, textChunks } from '../answer.ts';
import { isObject, listOf, stringOf } from '../json.ts';
import type { Frame, Wire } from './wire.ts';
import { BadRequest, cap, join, named, required } from './wire.ts';

const STOP = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const;

/** The input side: `input_tokens` leaves the cache parts out. */
function inputCounts({ usage }: Answer): Record<string, number> {
  return {
    input_tokens: usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
  };
}

function usageOf(answer: Answer, outputTokens: number): Record<string, unknown> {
  const { usage } = answer;
  return {
    ...inputCounts(answer),
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWriteTokens - usage.cacheWrite1hTokens,
      ephemeral_1h_input_tokens: usage.cacheWrite1hTokens,
    },
    output_tokens: outputTokens,
    service_tier: answer.serviceTier,
    inference_geo: 'not_available',
  };
}

const thinkingDetails = ({ usage }: Answer): Record<string, unknown> =>
  usage.reasoningTokens > 0 ? { output_tokens_details: { thinking_tokens: usage.reasoningTokens } } : {};

const signature = (answer: Answer): string => Buffer.from(`simulated ${answer.id}`).toString('base64');

function message(
  answer: Answer,
  content: readonly unknown[],
  stop: string | null,
  usage: unknown,
): Record<string, unknown> {
  return {
    model: answer.model,
    id: `msg_${answer.id}`,
    type: 'message',
    role: 'assistant',
    content,
    stop_reason: stop,
    stop_sequence: null,
    ...(answer.tellUsage && { usage }),
  };
}

const toolUse = (call: Answer['toolCalls'][number], input: unknown): unknown => ({
  type: 'tool_use',
  id: `toolu_${call.id}`,
  name: call.name,
  input,
});

export const anthropicMessages: Wire = {
  provider: 'anthropic',
  api: 'messages',

  read(body) {
    if (!Array.isArray(body['messages'])) throw new BadRequest('messages: Field required');
    const maxOutputTokens = cap(body['max_tokens'], 'max_tokens');
    if (maxOutputTokens === undefined) throw new BadRequest('max_tokens: Field required');
    const tools = listOf(body['tools']).filter(isObject);
    return {
      model: required(body, 'model'),
      streamed: body['stream'] === true,
      maxOutputTokens,
      serviceTier: undefined,
      messages: [...(body['system'] === undefined ? [] : [body['system']]), ...listOf(body['messages'])],
      definitions: [...tools, ...(body['output_config'] ? [body['output_config']] : [])],
      toolNames: tools.flatMap((tool) => stringOf(tool['name']) ?? []),
    };
  },

  whole(answer) {
    const thinking = { type: 'thinking', thinking: join(answer.reasoning), signature: signature(answer) };
    const content = [
      ...(answer.reasoning.length > 0 ? [thinking] : []),
      ...(answer.text.length > 0 ? [{ type: 'text', text: join(answer.text) }] : []),
      ...answer.toolCalls.map((call) => toolUse(call, call.input)),
    ];
    const usage = { ...usageOf(answer, answer.usage.outputTokens), ...thinkingDetails(answer) };
    return message(answer, content, STOP[answer.stop], usage);
  },

  *stream(answer): Generator<Frame> {
    let index = 0;
    const block = (type: string, fields: Record<string, unknown>): string => named({ type, index, ...fields });
    const delta = (value: unknown): string => block('content_block_delta', { delta: value });
    // The real stream starts with a count of one: the first token exists when the headers go out.
    const first = Math.min(1, answer.usage.outputTokens);
    yield { bytes: named({ type: 'message_start', message: message(answer, [], null, usageOf(answer, first)) }) };

    if (answer.reasoning.length > 0) {
      yield {
        bytes: block('content_block_start', { content_block: { type: 'thinking', thinking: '', signature: '' } }),
      };
      yield { bytes: named({ type: 'ping' }) };
      for (const part of reasoningChunks(answer)) {
        yield { bytes: delta({ type: 'thinking_delta', thinking: part.text }), tokens: part.tokens, kind: 'delta' };
      }
      yield { bytes: delta({ type: 'signature_delta', signature: signature(answer) }) };
      yield { bytes: block('content_block_stop', {}) };
      index += 1;
    }
    if (answer.text.length > 0) {
      yield { bytes: block('content_block_start', { content_block: { type: 'text', text: '' } }) };
      yield { bytes: named({ type: 'ping' }) };
      for (const part of textChunks(answer)) {
        yield { bytes: delta({ type: 'text_delta', text: part.text }), tokens: part.tokens, kind: 'delta' };
      }
      yield { bytes: block('content_block_stop', {}) };
      index += 1;
    }
    for (const call of answer.toolCalls) {
      yield { bytes: block('content_block_start', { content_block: toolUse(call, {}) }) };
      yield { bytes: delta({ type: 'input_json_delta', partial_json: '' }) };
      yield { bytes: delta({ type: 'input_json_delta', partial_json: call.json }), tokens: call.tokens, kind: 'delta' };
      yield { bytes: block('content_block_stop', {}) };
      index += 1;
    }

    const usage = { ...inputCounts(answer), output_tokens: answer.usage.outputTokens, ...thinkingDetails(answer) };
    const stop = { stop_reason: STOP[answer.stop], stop_sequence: null };
    yield { bytes: named({ type: 'message_delta', delta: stop, ...(answer.tellUsage && { usage }) }), kind: 'end' };
    yield { bytes: named({ type: 'message_stop' }) };
  },
};
