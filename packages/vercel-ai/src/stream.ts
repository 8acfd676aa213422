/** Reads an AI SDK stream for the guard, and says how a kill shows inside it. */
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { ConfigError, KavachError, type CallRequest, type StreamMeter } from '@agentkavach/core';
import type { KeptItems } from '@agentkavach/core/providers';
import { isClientToolCall, modelOfAnswer, usageOfAnswer } from './answer.ts';
import { reasoningId } from './kept-items.ts';
import type { ToolFees } from './provider-tools.ts';
import { fields } from './shape.ts';

/**
 * How a kill or time-out shows in a running stream: `error` sends an error part and ends the stream, so that `onError`
 * and HTTP clients learn of it; `throw` makes the next read throw; `truncate` finishes the answer where it stands.
 */
export type OnKillStream = 'error' | 'throw' | 'truncate';

/** @throws ConfigError for anything that is no such mode */
export function checkOnKillStream(mode: OnKillStream = 'error'): OnKillStream {
  if (mode === 'error' || mode === 'throw' || mode === 'truncate') return mode;
  throw new ConfigError(`onKillStream must be 'error', 'throw' or 'truncate', got ${JSON.stringify(mode)}.`, {
    path: 'onKillStream',
  });
}

// A generated image costs at most so many tokens (ai.google.dev/gemini-api/docs/pricing: 1,120 up to 2K, 2,000 at 4K,
// 2,520 on newer models). The meter counts bytes of text.
const FILE_OUTPUT = 'x'.repeat(2_520);

// What a provider writes around a tool call besides its name and arguments: tags, separators, an id. A handful of tokens;
// the meter counts bytes.
const TOOL_CALL_FRAME = 'x'.repeat(64);

/** Reads one stream. */
export class StreamReader {
  readonly #request: CallRequest;
  readonly #fees: ToolFees;
  readonly #onKill: OnKillStream;
  /** Blocks that have begun and not ended, by kind and id. */
  readonly #open = new Map<string, LanguageModelV4StreamPart>();
  readonly #named = new Set<string>();
  readonly #streamedInputs = new Set<string>();
  readonly #kept: KeptItems;
  readonly #reasoning = new Set<string>();
  #hasStarted = false;
  #hasFinished = false;

  /** @param kept takes note of the reasoning that the provider keeps */
  constructor(request: CallRequest, fees: ToolFees, onKill: OnKillStream, kept: KeptItems) {
    this.#request = request;
    this.#fees = fees;
    this.#onKill = onKill;
    this.#kept = kept;
  }

  /** Takes note of one part. */
  readonly meter = (part: LanguageModelV4StreamPart, meter: StreamMeter): void => {
    switch (part.type) {
      case 'text-delta':
      case 'reasoning-delta':
        return meter.output(part.delta);
      case 'tool-input-start':
        return this.#name(part.id, part.toolName, meter);
      case 'tool-input-delta':
        this.#streamedInputs.add(part.id);
        return meter.output(part.delta);
      case 'tool-call':
        if (isClientToolCall(part)) meter.toolCall();
        this.#name(part.toolCallId, part.toolName, meter);
        if (!this.#streamedInputs.has(part.toolCallId)) meter.output(part.input);
        return this.#fees.see(part);
      case 'tool-result':
        return this.#fees.see(part);
      case 'file':
      case 'reasoning-file':
        return meter.output(FILE_OUTPUT);
      case 'stream-start':
        this.#hasStarted = true;
        return;
      case 'response-metadata': {
        const model = modelOfAnswer(this.#request, part);
        return model === undefined ? undefined : meter.model(model);
      }
      case 'error':
        return meter.failed();
      case 'finish':
        return this.#finish(part, meter);
      default:
        return this.#track(part);
    }
  };

  /** The name of a call is output too; it comes with the first of its parts, and again with the last. */
  #name(id: string, toolName: string, meter: StreamMeter): void {
    if (this.#named.has(id)) return;
    this.#named.add(id);
    meter.output(toolName);
    meter.output(TOOL_CALL_FRAME);
  }

  /** Whether the stream has come to its finish part, with which every model ends. */
  readonly isWhole = (): boolean => this.#hasFinished;

  #finish(part: LanguageModelV4StreamPart & { type: 'finish' }, meter: StreamMeter): void {
    this.#hasFinished = true;
    const { unified = part.finishReason, raw } = fields(part.finishReason) ?? {};
    // The provider's last word did not come: Anthropic's usage, for one, then still counts a single token of output.
    // Where it is an error in the SDK's words alone, the provider's own reason is there: Gemini's MALFORMED_FUNCTION_CALL.
    if (unified === 'interrupted' || (unified === 'error' && raw === undefined)) return meter.failed();
    const usage = usageOfAnswer(this.#request, part, this.#fees.counts);
    this.#kept.learn(this.#request.model, this.#reasoning, usage?.outputTokens);
    if (usage !== undefined) meter.usage(usage);
    else if (unified === 'error') meter.failed();
  }

  #track(part: LanguageModelV4StreamPart): void {
    const { type } = part;
    const id = reasoningId(part);
    if (id !== undefined) this.#reasoning.add(id);
    if (type === 'text-start' || type === 'reasoning-start') {
      this.#open.set(`${type} ${part.id}`, { type: type === 'text-start' ? 'text-end' : 'reasoning-end', id: part.id });
    } else if (type === 'text-end' || type === 'reasoning-end') {
      this.#open.delete(`${type === 'text-end' ? 'text-start' : 'reasoning-start'} ${part.id}`);
    }
  }

  /** The parts to send when the guard stops the stream; `undefined` makes the next read throw. */
  readonly onStop = (error: Error): readonly LanguageModelV4StreamPart[] | undefined => {
    // The caller's own abort is the caller's own error: the SDK knows it by its signal.
    if (this.#onKill === 'throw' || !KavachError.isInstance(error)) return undefined;
    if (this.#onKill === 'error') return [{ type: 'error', error }];
    return [
      ...(this.#hasStarted ? [] : [{ type: 'stream-start' as const, warnings: [] }]),
      ...this.#open.values(),
      truncated(error),
    ];
  };
}

function truncated(error: KavachError): LanguageModelV4StreamPart {
  const unknown = undefined;
  return {
    type: 'finish',
    finishReason: { unified: 'other', raw: `agentkavach:${error.code}` },
    usage: {
      inputTokens: { total: unknown, noCache: unknown, cacheRead: unknown, cacheWrite: unknown },
      outputTokens: { total: unknown, text: unknown, reasoning: unknown },
    },
    providerMetadata: { agentkavach: { code: error.code, message: error.message } },
  };
}
