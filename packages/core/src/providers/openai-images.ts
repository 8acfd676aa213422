/** OpenAI's images: generations, edits and variations, billed by the image token or, for DALL·E, by the image. */
import type { StreamMeter, Usage } from '../call.ts';
import { positive } from './body-fields.ts';
import type { Draft, RawCall, StreamReader } from './draft.ts';
import { modelOf } from './openai-chat.ts';
import { figuresOfResponse, usageFromRaw } from './response.ts';
import { count, fields, list, text, type Fields } from './usage-fields.ts';

/** A request for images. */
export function imagesDraft(call: RawCall): Draft {
  const { provider, body } = call;
  const model = modelOf(call);
  const images = positive(body['n']) ?? 1;
  const partial = positive(body['partial_images']) ?? 0;
  return {
    request: {
      provider,
      model,
      kind: 'image',
      input: { messages: [text(body['prompt']) ?? '', ...imageInputs(body)] },
      // A partial image is an image too, if a small one.
      images: images + (partial > 0 ? images : 0),
    },
    isStream: body['stream'] === true || body['stream'] === 'true',
    refusal:
      model === '' ? { path: 'model', reason: 'the endpoint’s default model may change. Name the model' } : undefined,
    edits: () => ({}),
    reader: () => new ImagesReader(provider),
    figures: (answer) => {
      const figures = figuresOfResponse(provider, answer);
      return { ...figures, usage: asImages(figures.usage, list(fields(answer)?.['data']).length) };
    },
  };
}

/** Images to work on; what is no text field of a form is a file. */
function imageInputs(body: Fields): unknown[] {
  return Object.entries(body).flatMap(([key, value]) => {
    const isImage = /^(image|images|mask)(\[\])?$/.test(key);
    if (!isImage) return [];
    const each = Array.isArray(value) ? (value as unknown[]) : [value];
    return each.map(() => ({ type: 'input_image', image_url: 'https://' }));
  });
}

function asImages(usage: Usage | undefined, images: number): Usage | undefined {
  if (usage === undefined) return images > 0 ? { images } : undefined;
  return { ...usage, images, outputImageTokens: usage.outputImageTokens ?? usage.outputTokens };
}

/** Reads a stream of images: the last event has the usage. */
class ImagesReader implements StreamReader {
  hasEnded = false;
  readonly #provider: string;
  #images = 0;

  constructor(provider: string) {
    this.#provider = provider;
  }

  event(data: Fields, meter: StreamMeter): void {
    const type = text(data['type']) ?? '';
    if (type === 'error' || data['error'] !== undefined) return meter.failed();
    if (!type.endsWith('.completed')) return;
    this.#images += 1;
    this.hasEnded = true;
    const raw = usageFromRaw(this.#provider, data['usage']);
    const usage = count(raw?.outputTokens) === undefined ? undefined : asImages(raw, this.#images);
    if (usage !== undefined) meter.usage(usage);
  }
}
