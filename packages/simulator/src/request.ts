/** What a script sees of a request, the same for every provider. */
import type { JsonObject } from './json.ts';

/** The providers that the simulator speaks for, each under its own base path. */
export type Provider = 'openai' | 'anthropic' | 'google' | 'mistral';

export const PROVIDERS: readonly Provider[] = ['openai', 'anthropic', 'google', 'mistral'];

/** The provider's own interface that was called. */
export type Api = 'chat' | 'responses' | 'messages' | 'generateContent' | 'embeddings' | 'images';

export const APIS: readonly Api[] = ['chat', 'responses', 'messages', 'generateContent', 'embeddings', 'images'];

/** What a wire format reads out of a request body. */
export interface Asked {
  readonly model: string;
  /** Whether the answer is to be a stream. */
  readonly streamed: boolean;
  /** The output cap in tokens, where the request sets one. */
  readonly maxOutputTokens?: number | undefined;
  /** Answers asked for. Default 1. */
  readonly candidates?: number | undefined;
  /** The service tier asked for. */
  readonly serviceTier?: string | undefined;
  /** The messages, one entry each; content of any shape. */
  readonly messages: readonly unknown[];
  /** Tool definitions and output schemas: counted by their JSON. */
  readonly definitions?: readonly unknown[] | undefined;
  /** Names of the tools that the model may call. */
  readonly toolNames?: readonly string[] | undefined;
  /** Output tokens of all images that the request asks for; image generation only. */
  readonly imageTokens?: number | undefined;
}

/** One request as a script sees it. */
export interface SimulatedRequest {
  /** The number of this request since the simulator started, from 1. */
  readonly n: number;
  readonly provider: Provider;
  readonly api: Api;
  readonly model: string;
  readonly streamed: boolean;
  /** The output cap in tokens; `undefined` when the request sets none. */
  readonly maxOutputTokens: number | undefined;
  readonly candidates: number;
  readonly serviceTier: string | undefined;
  readonly toolNames: readonly string[];
  readonly imageTokens: number;
  /** The input in tokens, as the simulator counts and bills it; see `countInput`. */
  readonly inputTokens: number;
  /** All text of the messages, joined with line breaks. */
  readonly text: string;
  /** The request body. */
  readonly body: JsonObject;
  /** The request headers, in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}
