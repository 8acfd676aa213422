/**
 * OpenAI's Responses API: one call, however often the model uses OpenAI's own tools in it.
 * Source: developers.openai.com/api/reference (responses).
 */
import type { CallRequest, StreamMeter } from '../call.ts';
import { askedTier, capEdits, holdsOnlyText, isEffort, positive, whole } from './body-fields.ts';
import type { Draft, RawCall, Refusal, StreamReader } from './draft.ts';
import { allowedToolCalls, inputRounds, TOOL_CALL_CEILING } from './hosted-tools.ts';
import { writtenItems } from './kept-items.ts';
import { otherModel } from './other-model.ts';
import { carriesTools, openaiTools, refusedTool } from './raw-tools.ts';
import { figuresOfResponse, type ResponseFigures } from './response.ts';
import { fields, text, type Fields } from './usage-fields.ts';

/** A response. One in the background is charged what it holds: its usage comes when nobody may be asking any more. */
export function responsesDraft({ provider, body, kept }: RawCall): Draft {
  const model = text(body['model']) ?? '';
  const tools = openaiTools(body, model, provider);
  const hasHistory = body['context_management'] !== undefined && body['context_management'] !== null;
  const request: CallRequest = {
    provider,
    model,
    input: body,
    // More than any context window, which is what the guard then holds. A hosted shell puts out what its commands print.
    inputTokens:
      hasHistory || carriesTools(body) || tools.some(({ id }) => id.endsWith('.shell'))
        ? Number.MAX_SAFE_INTEGER
        : undefined,
    inputRounds: inputRounds(tools, false),
    maxOutputTokens: positive(body['max_output_tokens']),
    canClampOutput: true,
    canSwitchModel: provider !== 'azure',
    // One in the background goes on after its stream is left.
    hidesOutput: isEffort(fields(body['reasoning'])?.['effort']) || body['background'] === true || undefined,
    serviceTier: askedTier(body),
    textOnly: (tools.length === 0 && holdsOnlyText(body['input'])) || undefined,
    toolCalls: allowedToolCalls(tools, model),
    keptItems: kept?.tokensOf,
  };
  let asked = model;
  const answered = (answer: unknown): ResponseFigures => {
    const figures = figuresOfResponse(provider, answer);
    kept?.learn(asked, writtenItems(answer), figures.usage?.outputTokens);
    return figures;
  };
  const isLimited = tools.length === 0 || whole(body['max_tool_calls']) !== undefined;
  return {
    request,
    isStream: body['stream'] === true,
    refusal: refusedTool(tools) ?? otherModel(body, model) ?? keptPrompt(body),
    ceilings: isLimited ? undefined : { max_tool_calls: TOOL_CALL_CEILING },
    edits: (grant) => {
      asked = grant.model;
      return capEdits(body, model, grant, 'max_output_tokens');
    },
    reader: () => new ResponsesReader(answered),
    figures: answered,
  };
}

/** A prompt that is kept at OpenAI has settings and tools of its own (developers.openai.com/api/docs/guides/text). */
function keptPrompt(body: Fields): Refusal | undefined {
  if (fields(body['prompt']) === undefined) return undefined;
  return {
    path: 'prompt',
    reason:
      'a prompt that is kept at OpenAI may bring tools of its own, which nobody can see here. Write its text and its tools into the request',
  };
}

/** A compaction: it reads the conversation and writes a summary of it, whose length nobody can set. */
export function compactDraft(call: RawCall): Draft {
  const { request, figures } = responsesDraft(call);
  return {
    request: { ...request, maxOutputTokens: undefined, canClampOutput: false, canSwitchModel: false },
    isStream: false,
    edits: () => ({}),
    figures,
  };
}

/** Reads a stream of Responses events. */
class ResponsesReader implements StreamReader {
  hasEnded = false;
  readonly #figuresOf: (response: Fields) => ResponseFigures;

  constructor(figuresOf: (response: Fields) => ResponseFigures) {
    this.#figuresOf = figuresOf;
  }

  event(data: Fields, meter: StreamMeter): void {
    const type = text(data['type']) ?? '';
    if (type.endsWith('.delta')) {
      if (typeof data['delta'] === 'string') meter.output(data['delta']);
      return;
    }
    switch (type) {
      case 'response.output_item.added':
        return this.#item(fields(data['item']), meter);
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return this.#end(type, fields(data['response']) ?? {}, meter);
      case 'error':
        return meter.failed();
    }
  }

  /** A call's name is output too, and so is what stands around it. */
  #item(item: Fields | undefined, meter: StreamMeter): void {
    const name = text(item?.['name']);
    if (name !== undefined) meter.output(name.padEnd(64));
  }

  #end(type: string, response: Fields, meter: StreamMeter): void {
    this.hasEnded = true;
    const { usage, model, toolCalls } = this.#figuresOf(response);
    if (model !== undefined) meter.model(model);
    for (let i = 0; i < toolCalls; i++) meter.toolCall();
    if (usage !== undefined) meter.usage(usage);
    else if (type === 'response.failed') meter.failed();
  }
}
