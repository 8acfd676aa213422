/** Raw requests to each of the simulator's chat interfaces, and what they report, for tests without any client. */
import type { Provider } from '../src/index.ts';
import type { Simulator } from '../src/simulator.ts';

export interface Ask {
  readonly stream: boolean;
  readonly cap?: number;
  readonly tools?: boolean;
  readonly signal?: AbortSignal;
}

export interface Interface {
  readonly name: string;
  readonly provider: Provider;
  readonly model: string;
  readonly path: (stream: boolean) => string;
  readonly body: (ask: Ask) => Record<string, unknown>;
  /** Input and output tokens that a body or its last telling event reports. */
  readonly reported: (value: Json) => readonly [input: number, output: number] | undefined;
  readonly finish: (value: Json) => unknown;
  readonly cutShort: string;
  readonly toolNames: (events: readonly Json[]) => readonly unknown[];
}

/** JSON of unknown shape that a test reads into. */
export interface Json {
  readonly [key: string]: Json | undefined;
}

const schema = { type: 'object', properties: { city: { type: 'string' } } };
const functionTool = { type: 'function', function: { name: 'weather', parameters: schema } };
const messages = [{ role: 'user', content: 'How is the weather in Athens?' }];

/** Everything at a key, at any depth. */
export function dig(value: unknown, key: string): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => dig(item, key));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries<unknown>({ ...value }).flatMap(([name, item]) => [
    ...(name === key && item !== null ? [item] : []),
    ...dig(item, key),
  ]);
}

const number = (value: unknown): number => {
  if (typeof value !== 'number') throw new TypeError(`not a number: ${JSON.stringify(value)}`);
  return value;
};

const chatBody = (model: string, capName: string, options = true) => ({
  body: ({ stream, cap, tools }: Ask) => ({
    model,
    messages,
    stream,
    ...(stream && options && { stream_options: { include_usage: true } }),
    ...(cap !== undefined && { [capName]: cap }),
    ...(tools && { tools: [functionTool] }),
  }),
});
const chatReading = {
  reported: (value: Json) =>
    value['usage']
      ? ([number(value['usage']['prompt_tokens']), number(value['usage']['completion_tokens'])] as const)
      : undefined,
  finish: (value: Json) => dig(value, 'finish_reason')[0],
  cutShort: 'length',
  toolNames: (events: readonly Json[]) => dig(dig(events, 'tool_calls'), 'name'),
};

export const INTERFACES: readonly Interface[] = [
  {
    name: 'openai chat',
    provider: 'openai',
    model: 'gpt-4o',
    path: () => '/chat/completions',
    ...chatBody('gpt-4o', 'max_completion_tokens'),
    ...chatReading,
  },
  {
    name: 'openai responses',
    provider: 'openai',
    model: 'gpt-5-mini',
    path: () => '/responses',
    body: ({ stream, cap, tools }) => ({
      model: 'gpt-5-mini',
      input: messages,
      stream,
      ...(cap !== undefined && { max_output_tokens: cap }),
      ...(tools && { tools: [{ type: 'function', name: 'weather', parameters: schema }] }),
    }),
    reported: (value) => {
      const usage = (value['response'] ?? value)['usage'];
      return usage ? [number(usage['input_tokens']), number(usage['output_tokens'])] : undefined;
    },
    finish: (value) => dig(value, 'reason')[0],
    cutShort: 'max_output_tokens',
    toolNames: (events) =>
      [...dig(events, 'output'), ...dig(events, 'item')]
        .flat()
        .filter((item) => dig(item, 'type').includes('function_call'))
        .flatMap((item) => dig(item, 'name')),
  },
  {
    name: 'anthropic messages',
    provider: 'anthropic',
    model: 'claude-sonnet-4-5',
    path: () => '/messages',
    body: ({ stream, cap, tools }) => ({
      model: 'claude-sonnet-4-5',
      messages,
      stream,
      max_tokens: cap ?? 4096,
      ...(tools && { tools: [{ name: 'weather', input_schema: schema }] }),
    }),
    reported: ({ usage }) =>
      usage
        ? [
            number(usage['input_tokens']) +
              number(usage['cache_read_input_tokens']) +
              number(usage['cache_creation_input_tokens']),
            number(usage['output_tokens']),
          ]
        : undefined,
    finish: (value) => dig(value, 'stop_reason')[0],
    cutShort: 'max_tokens',
    toolNames: (events) => dig(events, 'name'),
  },
  {
    name: 'google generateContent',
    provider: 'google',
    model: 'gemini-2.5-flash',
    path: (stream) => `/models/gemini-2.5-flash:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: ({ cap, tools }) => ({
      contents: [{ role: 'user', parts: [{ text: 'How is the weather in Athens?' }] }],
      ...(cap !== undefined && { generationConfig: { maxOutputTokens: cap } }),
      ...(tools && { tools: [{ functionDeclarations: [{ name: 'weather', parameters: schema }] }] }),
    }),
    reported: ({ usageMetadata: usage }) =>
      usage
        ? [
            number(usage['promptTokenCount']) + number(usage['toolUsePromptTokenCount'] ?? 0),
            number(usage['candidatesTokenCount'] ?? 0) + number(usage['thoughtsTokenCount'] ?? 0),
          ]
        : undefined,
    finish: (value) => dig(value, 'finishReason')[0],
    cutShort: 'MAX_TOKENS',
    toolNames: (events) => dig(dig(events, 'functionCall'), 'name'),
  },
  {
    name: 'mistral chat',
    provider: 'mistral',
    model: 'mistral-small-latest',
    path: () => '/chat/completions',
    ...chatBody('mistral-small-latest', 'max_tokens', false),
    ...chatReading,
  },
];

/** Each interface, answered whole and as a stream: rows for `it.each`. */
export const CASES: readonly (readonly [name: string, kind: 'json' | 'sse', api: Interface])[] = INTERFACES.flatMap(
  (api) => [[api.name, 'json', api] as const, [api.name, 'sse', api] as const],
);

/** Sends a request and leaves the body unread. */
export function send(sim: Simulator, api: Interface, ask: Ask): Promise<Response> {
  return fetch(`${sim.baseURL(api.provider)}${api.path(ask.stream)}`, {
    method: 'POST',
    body: JSON.stringify(api.body(ask)),
    ...(ask.signal && { signal: ask.signal }),
  });
}

/** The JSON values of a body: the one answer, or the events of a stream. */
export function parse(text: string): Json[] {
  if (text.startsWith('{')) return [JSON.parse(text) as Json];
  return text
    .split(/\r?\n\r?\n/)
    .flatMap((event) => event.split(/\r?\n/).filter((line) => line.startsWith('data: ')))
    .map((line) => line.slice('data: '.length))
    .filter((line) => line !== '[DONE]')
    .map((line) => JSON.parse(line) as Json);
}
