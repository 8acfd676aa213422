/**
 * Google's Gemini API, at its own address and at Vertex AI.
 * Source: ai.google.dev/api (generate-content, embeddings), cloud.google.com/vertex-ai/generative-ai/docs/reference/rest.
 */
import type { CallRequest, StreamMeter } from '../call.ts';
import { askedTier, positive } from './body-fields.ts';
import type { Draft, Endpoints, Granted, RawCall, StreamReader } from './draft.ts';
import { allowedToolCalls, inputRounds } from './hosted-tools.ts';
import { googleTools, refusedTool } from './raw-tools.ts';
import { figuresOfResponse } from './response.ts';
import { fields, list, text, type Fields } from './usage-fields.ts';

const BOOK = 'Send it with a client that is not wrapped and book its cost with guard.charge()';

/** What each of Google's paths costs; the method stands behind a colon. */
export const GOOGLE_ENDPOINTS: Endpoints = [
  [/:generateContent$/, generateDraft],
  [/:streamGenerateContent$/, generateDraft],
  [/:(embedContent|batchEmbedContents)$/, embedDraft],
  [/:predict$/, predictDraft],
  [/:(countTokens|computeTokens|fetchPredictOperation|cancel)$|\/upload\/.*\/files$|\/files(:register)?$/, 'free'],
  [
    /:(batchGenerateContent|asyncBatchEmbedContent)$|\/batchPredictionJobs$/,
    {
      unpriceable: `a batch is as many calls as it has requests, and ends after hours. Send them one by one. Else: ${BOOK}`,
    },
  ],
  [/:predictLongRunning$/, { unpriceable: `videos are billed by the second, after they are made. ${BOOK}` }],
  [/\/cachedContents(\/|$)/, { unpriceable: `a cache is billed by the hour that it exists. ${BOOK}` }],
  [
    /\/interactions(\/|$)/,
    { unpriceable: `an interaction keeps its input at Google, and may run agents there. ${BOOK}` },
  ],
  [/\/(tunedModels|tuningJobs)(\/|$)/, { unpriceable: `training is billed by what it trained, after hours. ${BOOK}` }],
  [
    /\/fileSearchStores(\/|$)|:uploadToFileSearchStore$/,
    { unpriceable: `files are embedded on Google’s side. ${BOOK}` },
  ],
];

/** The provider behind an address: Vertex AI has prices of its own for other vendors' models. */
export function googleProvider(url: string): string {
  return /^https?:\/\/[^/]*aiplatform/.test(url) ? 'google-vertex' : 'google';
}

const MODEL = /\/([^/:]+):(\w+)$/;

function modelOf(path: string): string {
  return decodeURIComponent(MODEL.exec(path)?.[1] ?? '');
}

/** A generateContent request, streamed or not. */
function generateDraft({ provider, path, body }: RawCall): Draft {
  const model = modelOf(path);
  const tools = googleTools(body, model);
  const config = camelConfig(fields(body['generationConfig']) ?? fields(body['generation_config']) ?? {});
  const thinking = fields(config['thinkingConfig']);
  const request: CallRequest = {
    provider,
    model,
    input: body,
    inputRounds: inputRounds(tools, false),
    maxOutputTokens: positive(config['maxOutputTokens']),
    canClampOutput: true,
    // A tuned model or an endpoint has a path of its own.
    canSwitchModel: /\/models\/[^/]+$/.test(path),
    // Images and speech are shown as bytes, which say nothing of their tokens.
    hidesOutput:
      (thinking !== undefined && (thinking['thinkingBudget'] ?? thinking['thinking_budget']) !== 0) ||
      list(config['responseModalities']).some((modality) => modality !== 'TEXT') ||
      undefined,
    candidates: positive(config['candidateCount']),
    serviceTier: askedTier(body),
    textOnly: (tools.length === 0 && holdsOnlyText(body['contents'])) || undefined,
    toolCalls: allowedToolCalls(tools, model),
  };
  return {
    request,
    isStream: path.endsWith(':streamGenerateContent'),
    refusal: refusedTool(tools),
    edits: ({ maxOutputTokens }) =>
      maxOutputTokens === undefined || config['maxOutputTokens'] === maxOutputTokens
        ? {}
        : { [nameOfConfig(body)]: { ...config, maxOutputTokens } },
    path: (grant) => (grant.model === model ? path : withModel(path, grant)),
    reader: () => new GenerateReader(provider, request.candidates),
    figures: (answer) => figuresOfResponse(provider, answer),
  };
}

/** Google reads the names of its fields in snake case as well (protobuf.dev/programming-guides/json). */
function camelConfig(config: Fields): Fields {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(config)) {
    if (!key.includes('_')) continue;
    copy ??= { ...config };
    copy[key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())] ??= config[key];
    Reflect.deleteProperty(copy, key);
  }
  return copy ?? config;
}

function nameOfConfig(body: Fields): string {
  return fields(body['generation_config']) === undefined ? 'generationConfig' : 'generation_config';
}

function withModel(path: string, { model }: Granted): string {
  return path.replace(MODEL, (_, __, method: string) => `/${encodeURIComponent(model)}:${method}`);
}

/** Whether the conversation holds nothing but text and calls of functions. Plain loops: this runs before every call. */
function holdsOnlyText(contents: unknown): boolean {
  if (typeof contents === 'string') return true;
  for (const content of list(contents))
    for (const part of list((content as Fields | null)?.['parts'])) if (!isText(part as Fields | null)) return false;
  return true;
}

function isText(part: Fields | null): boolean {
  if (part === null || part['inlineData'] !== undefined || part['fileData'] !== undefined) return false;
  if (part['inline_data'] !== undefined || part['file_data'] !== undefined) return false;
  // A function may answer with media.
  if (list(fields(part['functionResponse'])?.['parts']).length > 0) return false;
  return part['text'] !== undefined || part['functionCall'] !== undefined || part['functionResponse'] !== undefined;
}

/** Embeddings, one or many. Google reports no usage for them: the input bound is charged, as an estimate. */
function embedDraft({ provider, path, body }: RawCall): Draft {
  return {
    request: { provider, model: modelOf(path), kind: 'embedding', input: { input: body['requests'] ?? body } },
    isStream: false,
    edits: () => ({}),
    figures: (answer) => figuresOfResponse(provider, answer),
  };
}

/** How many images Imagen makes where nobody says it (ai.google.dev/gemini-api/docs/imagen, numberOfImages). */
const DEFAULT_IMAGES = 4;

/** Imagen's images, and embeddings at Vertex AI. */
function predictDraft({ provider, path, body }: RawCall): Draft {
  const model = modelOf(path);
  const images = positive(fields(body['parameters'])?.['sampleCount']) ?? DEFAULT_IMAGES;
  const isImage = /imag/i.test(model);
  return {
    request: {
      provider,
      model,
      kind: isImage ? 'image' : 'embedding',
      ...(isImage ? { images } : {}),
      input: { input: body['instances'] },
    },
    isStream: false,
    edits: () => ({}),
    figures: (answer) => {
      const made = list(fields(answer)?.['predictions']).length;
      return { usage: isImage && made > 0 ? { images: made } : undefined, model: undefined, toolCalls: 0 };
    },
  };
}

/** Reads a stream of generateContent answers. */
class GenerateReader implements StreamReader {
  hasEnded = false;
  readonly #provider: string;
  readonly #answers: number;
  readonly #ended = new Set<unknown>();
  #grounding: unknown;

  /** @param answers how many the stream has, each with an end of its own */
  constructor(provider: string, answers = 1) {
    this.#provider = provider;
    this.#answers = answers;
  }

  event(data: Fields, meter: StreamMeter): void {
    if (data['error'] !== undefined) return meter.failed();
    if (fields(data['promptFeedback'])?.['blockReason'] !== undefined) this.hasEnded = true;
    for (const entry of list(data['candidates'])) {
      const candidate = fields(entry);
      this.#grounding = candidate?.['groundingMetadata'] ?? this.#grounding;
      if (candidate?.['finishReason'] !== undefined && this.#ended.add(candidate['index'] ?? 0).size >= this.#answers)
        this.hasEnded = true;
      for (const part of list(fields(candidate?.['content'])?.['parts'])) show(fields(part), meter);
    }
    const model = text(data['modelVersion']);
    if (model !== undefined) meter.model(model);
    // Every chunk has a usage; only that of the last is final.
    if (!this.hasEnded) return;
    const answer = { ...data, candidates: [{ groundingMetadata: this.#grounding }] };
    const { usage } = figuresOfResponse(this.#provider, answer);
    if (usage !== undefined) meter.usage(usage);
  }
}

/** What stands around a call besides its name and arguments; the meter counts bytes. */
const FRAME_BYTES = 64;

function show(part: Fields | undefined, meter: StreamMeter): void {
  if (typeof part?.['text'] === 'string') meter.output(part['text']);
  const call = fields(part?.['functionCall']);
  if (call === undefined) return;
  meter.toolCall();
  const shown = `${text(call['name']) ?? ''}${JSON.stringify(call['args'] ?? {})}`;
  meter.output(shown.padEnd(shown.length + FRAME_BYTES));
}
