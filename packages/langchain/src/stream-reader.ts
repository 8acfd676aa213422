/**
 * Reads the chunks and events of a LangChain stream: the output that is seen, the tools that are asked for, and
 * LangChain's own figures, which come in differences: a message's usage is the sum over its chunks.
 */
import type { StreamMeter, Usage } from '@agentkavach/core';
import { usageOfMetadata } from './answer.ts';
import { count, fields, list, text, type Fields } from './shape.ts';

// What a provider writes around a tool call besides its name and arguments: tags, separators, an id. A handful of tokens;
// the meter counts bytes.
const TOOL_CALL_FRAME = 'x'.repeat(64);

/** Reads one stream. */
export class StreamReader {
  readonly #provider: string;
  #usage: Record<string, unknown> | undefined;
  #isFinished = false;
  /** Output that an event stream counted at its start. */
  #atStart = 0;

  constructor(provider: string) {
    this.#provider = provider;
  }

  /** LangChain's own figures of the whole stream, once it has given its last word. */
  get usage(): Usage | undefined {
    return this.#isFinished ? usageOfMetadata(this.#usage) : undefined;
  }

  /** Takes note of a chunk, as `_streamResponseChunks` yields it and `handleLLMNewToken` is told it. */
  chunk(chunk: unknown, meter: StreamMeter): void {
    const message = fields(fields(chunk)?.['message']) ?? {};
    const before = meter.output.bind(meter);
    let seen = false;
    const output = (value: string): void => {
      seen = true;
      before(value);
    };
    readContent(message['content'], output);
    readContent(fields(message['additional_kwargs'])?.['reasoning_content'], output);
    for (const entry of list(message['tool_call_chunks'])) {
      const call = fields(entry);
      const name = text(call?.['name']);
      if (name !== undefined) this.#tool(name, meter);
      output(text(call?.['args']) ?? '');
    }
    // A chunk without text is a sign of life all the same.
    if (!seen) before('');
    const metadata = fields(message['usage_metadata']);
    if (metadata !== undefined) this.#add(metadata);
    if (isEnd(fields(chunk)?.['generationInfo']) || isEnd(message['additional_kwargs'])) this.#isFinished = true;
  }

  /** Takes note of an event of the newer protocol (`_streamChatModelEvents`). */
  event(event: unknown, meter: StreamMeter): void {
    const own = fields(event);
    switch (own?.['event']) {
      case 'content-block-start': {
        const block = fields(own['content']);
        if (/^tool_call/.test(text(block?.['type']) ?? '')) this.#tool(text(block?.['name']) ?? '', meter);
        else readContent([block], (value) => meter.output(value));
        return;
      }
      case 'content-block-delta':
        return meter.output(deltaOf(fields(own['delta'])));
      case 'error':
        return meter.failed();
      case 'message-start':
        this.#atStart = count(fields(own['usage'])?.['output_tokens']) ?? 0;
        return meter.output('');
      case 'message-finish':
        this.#finish(fields(own['usage']));
        return meter.output('');
      default:
        return meter.output('');
    }
  }

  #finish(usage: Fields | undefined): void {
    this.#isFinished = true;
    if (usage === undefined) return;
    // Anthropic states its whole output at the end; the integration adds what was counted at the start.
    const twice = this.#provider === 'anthropic' ? this.#atStart : 0;
    const less = (key: string): number => Math.max(0, (count(usage[key]) ?? 0) - twice);
    this.#usage = { ...usage, output_tokens: less('output_tokens'), total_tokens: less('total_tokens') };
  }

  #tool(name: string, meter: StreamMeter): void {
    meter.toolCall();
    meter.output(name);
    meter.output(TOOL_CALL_FRAME);
  }

  /** Adds a chunk's figures to the earlier ones. */
  #add(metadata: Fields): void {
    const earlier = this.#usage;
    if (earlier === undefined) {
      this.#usage = { ...metadata };
      return;
    }
    // Anthropic states its output anew at the end, and counts a token of it at the start too.
    const restates = this.#provider === 'anthropic';
    const sum = (key: string): number => (count(earlier[key]) ?? 0) + (count(metadata[key]) ?? 0);
    const output = restates ? (count(metadata['output_tokens']) ?? 0) : sum('output_tokens');
    this.#usage = {
      ...earlier,
      ...metadata,
      input_tokens: sum('input_tokens'),
      output_tokens: output,
      total_tokens: restates ? sum('input_tokens') + output : sum('total_tokens'),
      input_token_details: { ...fields(earlier['input_token_details']), ...fields(metadata['input_token_details']) },
      output_token_details: { ...fields(earlier['output_token_details']), ...fields(metadata['output_token_details']) },
    };
  }
}

function isEnd(info: unknown): boolean {
  const own = fields(info);
  return [own?.['finish_reason'], own?.['finishReason'], own?.['stop_reason']].some(
    (reason) => text(reason) !== undefined,
  );
}

/** Arguments of tools are read from the tool call chunks, where every integration puts them. */
const ELSEWHERE = new Set<unknown>(['tool_use', 'input_json_delta', 'functionCall', 'tool_call', 'tool_call_chunk']);

function readContent(content: unknown, output: (value: string) => void): void {
  if (typeof content === 'string') {
    if (content !== '') output(content);
    return;
  }
  for (const entry of list(content)) {
    const part = fields(entry);
    if (part === undefined || ELSEWHERE.has(part['type'])) continue;
    const said = text(part['text']) ?? text(part['thinking']) ?? text(part['reasoning']) ?? text(part['refusal']);
    output(said ?? (part['type'] === 'text' ? '' : JSON.stringify(part)));
  }
}

function deltaOf(delta: Fields | undefined): string {
  const said = delta?.['text'] ?? delta?.['reasoning'] ?? delta?.['args'] ?? delta?.['data'];
  if (typeof said === 'string') return said;
  return delta?.['fields'] === undefined ? '' : JSON.stringify(delta['fields']);
}
