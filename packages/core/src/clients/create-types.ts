/**
 * What `guard.create()` takes and returns. The types of answers and of each provider's own parameters are its SDK's; of those
 * that are not installed, nothing is known.
 */
import type Anthropic from '@anthropic-ai/sdk';
import type { Stream as AnthropicStream } from '@anthropic-ai/sdk/streaming';
import type { ContentListUnion, GenerateContentConfig, GenerateContentResponse } from '@google/genai';
import type { EventStream as MistralStream } from '@mistralai/mistralai/lib/event-streams';
import type {
  ChatCompletionRequest,
  ChatCompletionResponse,
  CompletionEvent,
} from '@mistralai/mistralai/models/components';
import type OpenAI from 'openai';
import type { Stream as OpenAIStream } from 'openai/streaming';
import type { ProviderName } from '../config/policy.ts';

export type { ProviderName };

/** A tool call of the model, as it is said back. */
export interface ChatToolCall {
  readonly id: string;
  readonly type?: 'function' | undefined;
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A part of a message. */
export type ChatPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: string | { readonly url: string } };

/** A message in the form that every provider can be asked with: OpenAI's. */
export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
  readonly content?: string | readonly ChatPart[] | null | undefined;
  readonly tool_calls?: readonly ChatToolCall[] | undefined;
  /** Of a `tool` message: the call that it answers. */
  readonly tool_call_id?: string | undefined;
  readonly name?: string | undefined;
}

/** A function that the model may call, in OpenAI's form. */
export interface ChatTool {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string | undefined;
    readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  };
}

/** What every provider understands. */
export interface ChatParams {
  readonly messages: readonly ChatMessage[];
  /** The output cap in tokens. Default under a hard limit: what the budget can pay for. */
  readonly max_tokens?: number | null | undefined;
  readonly temperature?: number | null | undefined;
  readonly top_p?: number | null | undefined;
  readonly stop?: string | readonly string[] | null | undefined;
  readonly tools?: readonly ChatTool[] | undefined;
}

type Own<Native, Keys extends PropertyKey> = Partial<Omit<Native, Keys | 'model' | 'stream'>>;

/** What each provider takes besides: the parameters of its own SDK. */
export interface CreateParams {
  readonly openai: Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, 'model' | 'stream'>;
  readonly anthropic:
    | (ChatParams & Own<Anthropic.MessageCreateParamsNonStreaming, keyof ChatParams>)
    | (Omit<Anthropic.MessageCreateParamsNonStreaming, 'model' | 'stream' | 'max_tokens'> & {
        readonly max_tokens?: number | undefined;
      });
  readonly google:
    | (ChatParams & { readonly config?: GenerateContentConfig | undefined })
    | { readonly contents: ContentListUnion; readonly config?: GenerateContentConfig | undefined };
  readonly mistral:
    (ChatParams & Own<ChatCompletionRequest, keyof ChatParams>) | Omit<ChatCompletionRequest, 'model' | 'stream'>;
}

/** What each provider answers, whole or as a stream. */
export interface Answers {
  readonly openai: { readonly whole: OpenAI.ChatCompletion; readonly stream: OpenAIStream<OpenAI.ChatCompletionChunk> };
  readonly anthropic: {
    readonly whole: Anthropic.Message;
    readonly stream: AnthropicStream<Anthropic.RawMessageStreamEvent>;
  };
  readonly google: {
    readonly whole: GenerateContentResponse;
    readonly stream: AsyncGenerator<GenerateContentResponse>;
  };
  readonly mistral: { readonly whole: ChatCompletionResponse; readonly stream: MistralStream<CompletionEvent> };
}

/** Whose model a name stands for; any, where the name is not known as you type. */
export type ProviderOf<M extends string> = M extends `claude-${string}`
  ? 'anthropic'
  : M extends `gemini-${string}` | `models/gemini-${string}` | `gemma-${string}`
    ? 'google'
    : M extends `${'mistral' | 'ministral' | 'codestral' | 'magistral' | 'devstral' | 'pixtral' | 'open-mi'}${string}`
      ? 'mistral'
      : M extends `${'gpt-' | 'chatgpt-' | 'o1' | 'o3' | 'o4' | 'codex-' | 'ft:'}${string}`
        ? 'openai'
        : ProviderName;

/** A request: who is asked and how. */
export type CreateRequest<M extends string, P extends ProviderName> = CreateParams[P] & {
  readonly model: M;
  /** Who is asked. Default: the guard's `provider`, else by the model's name. */
  readonly provider?: P | undefined;
};

/** What goes beside a request. */
export interface CreateOptions {
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
}
