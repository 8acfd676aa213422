/**
 * Listens to the provider's raw answer under a LangChain model, since LangChain's own figures lose some of it: Gemini's
 * thoughts, Mistral's cache, Anthropic's one-hour cache writes, service tiers, the fees of hosted tools.
 */
import type { CallFigures } from '@agentkavach/core';
import { figuresOfResponse, mergeAnthropicUsage, usageFromRaw, writtenItems } from '@agentkavach/core/providers';
import { fields, isAsyncIterable, list, text, type Fields } from './shape.ts';

/** Takes the raw answer, or the events of a raw stream, of one request. */
export class RawAnswer {
  /** The figures, once the provider has given its last word. */
  figures: CallFigures | undefined;
  /** Whether a stream carried the provider's own error event. */
  failed = false;
  /** The ids of what the model wrote, where OpenAI keeps it. */
  items: readonly string[] = [];
  /** A stream that is listened to has not said yet how it ends: where it closes now, it was cut short. */
  isOpen = false;
  readonly #provider: string;
  readonly #answers: number;
  readonly #begun = new Set<unknown>();
  readonly #ended = new Set<unknown>();
  #model: string | undefined;
  #anthropic: Fields | undefined;
  #serviceTier: string | undefined;

  /** @param answers how many a stream has, each with an end of its own */
  constructor(provider: string, answers = 1) {
    this.#provider = provider;
    this.#answers = answers;
  }

  /** Takes a raw answer. @returns what the model class shall get: the answer, or the stream that is listened to */
  see<R>(answer: R): R {
    if (isAsyncIterable(answer)) return this.#listened(answer) as R;
    const body = fields(answer);
    // Google's SDK wraps the answer.
    this.#whole(fields(body?.['response']) ?? body);
    return answer;
  }

  #whole(body: Fields | undefined): void {
    if (body === undefined) return;
    const { usage, model, toolCalls } = figuresOfResponse(this.#provider, inWireNames(body));
    if (usage !== undefined) this.figures = { usage, model, toolCalls };
    this.items = writtenItems(body);
  }

  /** The same stream object, whose events pass by here. */
  #listened(stream: AsyncIterable<unknown> & object): unknown {
    this.isOpen = true;
    const see = (event: unknown): void => this.#event(fields(event));
    const listen = async function* (): AsyncGenerator {
      for await (const event of stream) {
        see(event);
        yield event;
      }
    };
    return new Proxy(stream, {
      get(target, key) {
        if (key === Symbol.asyncIterator) return listen;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  #event(event: Fields | undefined): void {
    if (event === undefined) return;
    const type = text(event['type']);
    if (type === 'message_start' || type === 'message_delta' || type === 'message_stop')
      return this.#anthropicEvent(type, event);
    if (type === 'response.completed' || type === 'response.incomplete') {
      this.isOpen = false;
      return this.#whole(fields(event['response']));
    }
    if (type === 'error' || type === 'response.failed') {
      this.failed = true;
      return;
    }
    // Mistral's SDK puts each event into an envelope.
    this.#chunk(inWireNames(fields(event['data']) ?? event));
  }

  #anthropicEvent(type: string, event: Fields): void {
    const message = fields(event['message']);
    this.#model ??= text(message?.['model']);
    this.#anthropic = mergeAnthropicUsage(this.#anthropic, fields(message?.['usage'] ?? event['usage']) ?? {});
    // Before the reason to stop has come, it is a running count.
    if (type !== 'message_stop' && text(fields(event['delta'])?.['stop_reason']) === undefined) return;
    this.isOpen = false;
    const usage = usageFromRaw('anthropic', this.#anthropic);
    if (usage !== undefined) this.figures = { usage, model: this.#model };
  }

  /** Chunks of OpenAI, Mistral and Gemini. Some hosts count in every chunk: only the count at the end is final. */
  #chunk(chunk: Fields): void {
    this.#model = text(chunk['model']) ?? text(chunk['modelVersion']) ?? this.#model;
    this.#serviceTier = text(chunk['service_tier']) ?? this.#serviceTier;
    const raw = fields(chunk['usage'] ?? chunk['usageMetadata']);
    const choices = list(chunk['choices'] ?? chunk['candidates']);
    const ended = choices.filter(isFinished);
    for (const choice of choices) this.#begun.add(indexOf(choice));
    for (const choice of ended) this.#ended.add(indexOf(choice));
    if (ended.length > 0 ? this.#ended.size >= this.#answers : choices.length === 0 && this.#isLastWord(chunk, raw))
      this.isOpen = false;
    if (raw === undefined || this.isOpen || ended.length < choices.length) return;
    const { usage } = figuresOfResponse(this.#provider, chunk);
    if (usage === undefined) return;
    this.figures = { usage: { ...usage, serviceTier: usage.serviceTier ?? this.#serviceTier }, model: this.#model };
  }

  /**
   * Whether a chunk without answers is the last: Gemini refuses the prompt, or the usage comes after the end of each
   * answer. Azure's first chunk has no answers either, and vLLM may count along in it.
   */
  #isLastWord(chunk: Fields, usage: Fields | undefined): boolean {
    if (fields(chunk['promptFeedback'])?.['blockReason'] !== undefined) return true;
    return usage !== undefined && this.#ended.size > 0 && this.#ended.size === this.#begun.size;
  }
}

function indexOf(choice: unknown): unknown {
  return fields(choice)?.['index'] ?? 0;
}

/** Whether an answer has said why it ended. */
function isFinished(choice: unknown): boolean {
  const { finish_reason: snake, finishReason: camel } = fields(choice) ?? {};
  return (snake ?? camel) !== undefined && (snake ?? camel) !== null && (snake ?? camel) !== '';
}

/** Mistral's SDK renames the fields of the wire; the figures are read under their own names. */
function inWireNames(body: Fields): Fields {
  const usage = fields(body['usage']);
  if (usage === undefined || !('promptTokens' in usage || 'completionTokens' in usage)) return body;
  return { ...body, usage: snakeCased(usage) };
}

function snakeCased(value: Fields): Fields {
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      fields(field) === undefined ? field : snakeCased(fields(field) ?? {}),
    ]),
  );
}
