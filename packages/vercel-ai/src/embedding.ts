/** Guarded embedding calls. */
import type { AgentKavach, CallRequest, Usage } from '@agentkavach/core';
import { figuresOfResponse } from '@agentkavach/core/providers';
import { asBilled, unmasked, wasNotSent } from './failure.ts';
import { normaliseProvider, type ModelIdentity } from './provider-name.ts';
import { identityOf, signalled } from './request.ts';
import { count, fields } from './shape.ts';

interface EmbedParams {
  readonly values?: unknown;
  readonly providerOptions?: unknown;
  readonly abortSignal?: AbortSignal | undefined;
}

interface Embedded {
  readonly usage?: unknown;
  readonly response?: unknown;
}

/** Guards one embedding call. Google reports no usage for embeddings: the input bound is charged, as an estimate. */
export function guardedEmbed<P extends EmbedParams, R extends Embedded>(
  guard: AgentKavach,
  model: ModelIdentity,
  params: P,
  send: (params: P) => PromiseLike<R>,
): Promise<R> {
  const { values, providerOptions, abortSignal } = params;
  const request: CallRequest = {
    ...normaliseProvider(model.provider, model.modelId),
    kind: 'embedding',
    input: { messages: values, providerOptions },
    signal: abortSignal,
    notSent: wasNotSent,
    identity: identityOf(params, values),
  };
  return unmasked(
    guard.call(request, async (grant) => {
      const value = await asBilled(() => send(signalled(params, request, grant)));
      const { usage, model: answering } = figuresOfResponse(request.provider, fields(value.response)?.['body']);
      return { value, usage: usageOf(value.usage) ?? usage, model: answering };
    }),
  );
}

function usageOf(usage: unknown): Usage | undefined {
  const inputTokens = count(fields(usage)?.['tokens']);
  return inputTokens === undefined ? undefined : { inputTokens, outputTokens: 0 };
}
