/** OpenAI's Responses: https://developers.openai.com/api/reference/resources/responses */
import type { Answer } from '../answer.ts';
import { reasoningChunks, textChunks } from '../answer.ts';
import { isObject, listOf, objectOf, stringOf } from '../json.ts';
import type { Frame, Wire } from './wire.ts';
import { BadRequest, cap, join, named, required } from './wire.ts';

type Item = Readonly<Record<string, unknown>> & { readonly id: string };

function responsesUsage({ usage }: Answer): Record<string, unknown> {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      ...(usage.cacheWriteTokens > 0 && { cache_write_tokens: usage.cacheWriteTokens }),
    },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

/** Reasoning is shown as a summary, and only to requests that ask for one. */
const wantsSummary = ({ request }: Answer): boolean =>
  stringOf(objectOf(request.body['reasoning'])?.['summary']) !== undefined;

function reasoningItem(answer: Answer, summary: boolean): Item {
  const text = join(answer.reasoning);
  return { id: `rs_${answer.id}`, type: 'reasoning', summary: summary ? [{ type: 'summary_text', text }] : [] };
}

function messageItem(answer: Answer, status: string, content: readonly unknown[]): Item {
  return { id: `msg_${answer.id}`, type: 'message', status, content, role: 'assistant' };
}

const outputText = (text: string): unknown => ({ type: 'output_text', annotations: [], logprobs: [], text });

const status = (answer: Answer): string => (answer.stop === 'length' ? 'incomplete' : 'completed');

function callItem(call: Answer['toolCalls'][number], state: string): Item {
  return {
    id: `fc_${call.id}`,
    type: 'function_call',
    status: state,
    arguments: state === 'in_progress' ? '' : call.json,
    call_id: `call_${call.id}`,
    name: call.name,
  };
}

const hasMessage = (answer: Answer): boolean => answer.text.length > 0 || answer.toolCalls.length === 0;

function response(answer: Answer, state: string): Record<string, unknown> {
  const { body } = answer.request;
  const done = state !== 'in_progress';
  const output = [
    ...(answer.reasoning.length > 0 ? [reasoningItem(answer, wantsSummary(answer))] : []),
    ...(hasMessage(answer) ? [messageItem(answer, state, [outputText(join(answer.text))])] : []),
    ...answer.toolCalls.map((call) => callItem(call, 'completed')),
  ];
  return {
    id: `resp_${answer.id}`,
    object: 'response',
    created_at: answer.created,
    status: state,
    background: false,
    completed_at: state === 'completed' ? answer.created : null,
    error: null,
    incomplete_details: state === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: body['instructions'] ?? null,
    max_output_tokens: body['max_output_tokens'] ?? null,
    max_tool_calls: null,
    model: answer.model,
    output: done ? output : [],
    parallel_tool_calls: true,
    previous_response_id: body['previous_response_id'] ?? null,
    prompt_cache_key: body['prompt_cache_key'] ?? null,
    reasoning: { effort: null, summary: null, ...objectOf(body['reasoning']) },
    safety_identifier: null,
    service_tier: done ? answer.serviceTier : 'auto',
    store: body['store'] ?? true,
    temperature: body['temperature'] ?? 1,
    text: body['text'] ?? { format: { type: 'text' }, verbosity: 'medium' },
    tool_choice: body['tool_choice'] ?? 'auto',
    tools: body['tools'] ?? [],
    top_logprobs: 0,
    top_p: 1,
    truncation: 'disabled',
    ...(answer.tellUsage && { usage: done ? responsesUsage(answer) : null }),
    user: null,
    metadata: {},
  };
}

export const openaiResponses: Wire = {
  provider: 'openai',
  api: 'responses',

  read(body) {
    const input = body['input'];
    if (typeof input !== 'string' && !Array.isArray(input)) {
      throw new BadRequest("Missing required parameter: 'input'.", 'input');
    }
    const instructions = stringOf(body['instructions']);
    const tools = listOf(body['tools']).filter(isObject);
    const format = objectOf(body['text'])?.['format'];
    return {
      model: required(body, 'model'),
      streamed: body['stream'] === true,
      maxOutputTokens: cap(body['max_output_tokens'], 'max_output_tokens'),
      serviceTier: stringOf(body['service_tier']),
      messages: [
        ...(instructions === undefined ? [] : [instructions]),
        ...(typeof input === 'string' ? [input] : listOf(input)),
      ],
      definitions: [...tools, ...(format ? [format] : [])],
      toolNames: tools.flatMap((tool) => stringOf(tool['name']) ?? []),
    };
  },

  whole: (answer) => response(answer, status(answer)),

  *stream(answer): Generator<Frame> {
    let sequence = 0;
    let index = 0;
    const event = (type: string, fields: Record<string, unknown>): string =>
      named({ type, ...fields, sequence_number: sequence++ });
    yield { bytes: event('response.created', { response: response(answer, 'in_progress') }) };
    yield { bytes: event('response.in_progress', { response: response(answer, 'in_progress') }) };

    if (answer.reasoning.length > 0) {
      const summary = wantsSummary(answer);
      const { id } = reasoningItem(answer, summary);
      const at = { item_id: id, output_index: index, summary_index: 0 };
      yield {
        bytes: event('response.output_item.added', {
          output_index: index,
          item: { id, type: 'reasoning', summary: [] },
        }),
      };
      if (summary) {
        yield {
          bytes: event('response.reasoning_summary_part.added', { ...at, part: { type: 'summary_text', text: '' } }),
        };
        for (const part of reasoningChunks(answer)) {
          yield {
            bytes: event('response.reasoning_summary_text.delta', { ...at, delta: part.text }),
            tokens: part.tokens,
            kind: 'delta',
          };
        }
        const text = join(answer.reasoning);
        yield { bytes: event('response.reasoning_summary_text.done', { ...at, text }) };
        yield { bytes: event('response.reasoning_summary_part.done', { ...at, part: { type: 'summary_text', text } }) };
      }
      const item = reasoningItem(answer, summary);
      yield {
        bytes: event('response.output_item.done', { output_index: index++, item }),
        tokens: summary ? 0 : answer.reasoning.length,
      };
    }

    if (hasMessage(answer)) {
      const at = { item_id: `msg_${answer.id}`, output_index: index, content_index: 0 };
      yield {
        bytes: event('response.output_item.added', {
          output_index: index,
          item: messageItem(answer, 'in_progress', []),
        }),
      };
      yield { bytes: event('response.content_part.added', { ...at, part: outputText('') }) };
      for (const part of textChunks(answer)) {
        yield {
          bytes: event('response.output_text.delta', { ...at, delta: part.text, logprobs: [] }),
          tokens: part.tokens,
          kind: 'delta',
        };
      }
      const text = join(answer.text);
      yield { bytes: event('response.output_text.done', { ...at, text, logprobs: [] }) };
      yield { bytes: event('response.content_part.done', { ...at, part: outputText(text) }) };
      const item = messageItem(answer, status(answer), [outputText(text)]);
      yield { bytes: event('response.output_item.done', { output_index: index++, item }) };
    }

    for (const call of answer.toolCalls) {
      const at = { item_id: `fc_${call.id}`, output_index: index };
      yield {
        bytes: event('response.output_item.added', { output_index: index, item: callItem(call, 'in_progress') }),
      };
      yield {
        bytes: event('response.function_call_arguments.delta', { ...at, delta: call.json }),
        tokens: call.tokens,
        kind: 'delta',
      };
      yield { bytes: event('response.function_call_arguments.done', { ...at, arguments: call.json }) };
      yield { bytes: event('response.output_item.done', { output_index: index++, item: callItem(call, 'completed') }) };
    }

    const state = status(answer);
    yield { bytes: event(`response.${state}`, { response: response(answer, state) }), kind: 'end' };
  },
};
