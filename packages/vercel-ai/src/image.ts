/** Guarded image generation. */
import type { AgentKavach, CallRequest, Usage } from '@agentkavach/core';
import { searchesByQuery, TOOL_CALL_CEILING, usageFromRaw } from '@agentkavach/core/providers';
import { asBilled, unmasked, wasNotSent } from './failure.ts';
import { assertGroundingHoldable } from './hard-limit.ts';
import { normaliseProvider, type ModelIdentity } from './provider-name.ts';
import { identityOf, signalled } from './request.ts';
import { count, fields, list } from './shape.ts';

interface ImageParams {
  readonly prompt?: unknown;
  readonly n?: unknown;
  readonly files?: unknown;
  readonly mask?: unknown;
  readonly providerOptions?: unknown;
  readonly abortSignal?: AbortSignal | undefined;
}

interface Generated {
  readonly images?: readonly unknown[];
  readonly usage?: unknown;
  readonly providerMetadata?: unknown;
  readonly response?: unknown;
}

/** Guards one request for images. */
export function guardedImage<P extends ImageParams, R extends Generated>(
  guard: AgentKavach,
  model: ModelIdentity,
  params: P,
  send: (params: P) => PromiseLike<R>,
): Promise<R> {
  const { prompt, n, files, mask, providerOptions, abortSignal } = params;
  const searches = fields(fields(providerOptions)?.['google'])?.['googleSearch'] !== undefined;
  if (searches) assertGroundingHoldable(guard, model);
  const request: CallRequest = {
    ...normaliseProvider(model.provider, model.modelId),
    kind: 'image',
    images: Math.max(1, count(n) ?? 1),
    input: { messages: [prompt ?? '', ...list(files), ...(mask === undefined ? [] : [mask])], providerOptions },
    // The SDK's Gemini image models offer grounding as an option.
    toolCalls: searches ? { google_search: searchesByQuery(model.modelId) ? TOOL_CALL_CEILING : 1 } : undefined,
    signal: abortSignal,
    notSent: wasNotSent,
    // Not the provider options: generateImage() shares them among the requests that it sends side by side.
    identity: identityOf(params, params),
  };
  return unmasked(
    guard.call(request, async (grant) => {
      const value = await asBilled(() => send(signalled(params, request, grant)));
      return { value, usage: usageOf(request, value), model: undefined };
    }),
  );
}

function usageOf(request: CallRequest, { images, usage, providerMetadata }: Generated): Usage | undefined {
  const made = list(images).length;
  const metadata = fields(providerMetadata);
  const raw = usageFromRaw(request.provider, fields(metadata?.['google'])?.['usageMetadata']);
  if (raw !== undefined) return { ...raw, images: made };
  const tokens = fields(usage);
  const inputTokens = count(tokens?.['inputTokens']);
  const outputTokens = count(tokens?.['outputTokens']);
  return {
    inputTokens,
    inputImageTokens: imageInput(metadata),
    outputTokens,
    outputImageTokens: outputTokens,
    images: made,
  };
}

/** The SDK spreads OpenAI's count of image input over the images of the answer. */
function imageInput(metadata: ReturnType<typeof fields>): number | undefined {
  const shares = list(fields(metadata?.['openai'])?.['images']).map((image) => count(fields(image)?.['imageTokens']));
  return shares.reduce((sum, share) => (share === undefined ? sum : (sum ?? 0) + share), undefined);
}
