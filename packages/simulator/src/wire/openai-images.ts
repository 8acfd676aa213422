/** OpenAI's image generation with the GPT image models: https://developers.openai.com/api/reference/resources/images */
import type { Answer } from '../answer.ts';
import { numberOf, stringOf } from '../json.ts';
import type { Wire } from './wire.ts';
import { cap, required } from './wire.ts';

/** A PNG of one transparent pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/**
 * Output tokens of one image by quality and shape.
 * Source: https://developers.openai.com/api/docs/guides/image-generation#cost-and-latency
 */
const IMAGE_TOKENS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  low: { '1024x1024': 272, '1024x1536': 408, '1536x1024': 400 },
  medium: { '1024x1024': 1056, '1024x1536': 1584, '1536x1024': 1568 },
  high: { '1024x1024': 4160, '1024x1536': 6240, '1536x1024': 6208 },
};

const qualityOf = (body: Answer['request']['body']): string => {
  const quality = stringOf(body['quality']) ?? 'auto';
  return quality in IMAGE_TOKENS ? quality : 'medium';
};

const sizeOf = (body: Answer['request']['body']): string => {
  const size = stringOf(body['size']) ?? 'auto';
  return size in (IMAGE_TOKENS['low'] ?? {}) ? size : '1024x1024';
};

/** Output tokens of all images that a request asks for. */
function imageTokens(body: Answer['request']['body']): number {
  return (numberOf(body['n']) ?? 1) * (IMAGE_TOKENS[qualityOf(body)]?.[sizeOf(body)] ?? 0);
}

export const openaiImages: Wire = {
  provider: 'openai',
  api: 'images',
  read(body) {
    cap(body['n'], 'n');
    return {
      model: required(body, 'model'),
      streamed: false,
      messages: [required(body, 'prompt')],
      imageTokens: imageTokens(body),
    };
  },
  whole(answer) {
    const { body } = answer.request;
    const { inputTokens, outputTokens } = answer.usage;
    return {
      created: answer.created,
      background: 'opaque',
      data: Array.from({ length: numberOf(body['n']) ?? 1 }, () => ({ b64_json: PIXEL })),
      output_format: stringOf(body['output_format']) ?? 'png',
      quality: qualityOf(body),
      size: sizeOf(body),
      ...(answer.tellUsage && {
        usage: {
          input_tokens: inputTokens,
          input_tokens_details: { image_tokens: 0, text_tokens: inputTokens },
          output_tokens: outputTokens,
          total_tokens: inputTokens + outputTokens,
        },
      }),
    };
  },
};
