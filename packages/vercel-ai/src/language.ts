/** Guarded language model calls: shared by the middleware and by guarded model objects of every version. */
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { ConfigError, type AgentKavach, type CallGrant, type CallRequest } from '@agentkavach/core';
import { countToolCalls, modelOfAnswer, usageOfAnswer, type Answer } from './answer.ts';
import { asBilled, unmasked } from './failure.ts';
import { holdable } from './hard-limit.ts';
import type { ModelIdentity } from './provider-name.ts';
import type { CallParams } from './provider-options.ts';
import { ToolFees } from './provider-tools.ts';
import { granted, toCallRequest } from './request.ts';
import { StreamReader, type OnKillStream } from './stream.ts';

/** A guard and how its kills show in streams. */
export interface Guarding {
  readonly guard: AgentKavach;
  readonly onKillStream: OnKillStream;
}

interface Generated extends Answer {
  readonly content?: readonly { readonly type: string }[];
}

/** Guards one call that answers in one piece. */
export function guardedGenerate<P extends CallParams, R extends Generated>(
  { guard }: Guarding,
  model: ModelIdentity,
  params: P,
  send: (params: P) => PromiseLike<R>,
): Promise<R> {
  const held = holdable(guard, model, params);
  const request = toCallRequest(model, held);
  return unmasked(
    guard.call(request, async (grant) => {
      assertSameModel(request, grant);
      const value = await asBilled(() => send(granted(held, request, grant)));
      const fees = new ToolFees(params.tools);
      for (const part of value.content ?? []) fees.see(part);
      return {
        value,
        usage: usageOfAnswer(request, value, fees.counts),
        model: modelOfAnswer(request, value.response),
        toolCalls: countToolCalls(value.content),
      };
    }),
  );
}

/** Guards one call that streams. */
export async function guardedStream<
  P extends CallParams,
  R extends { readonly stream: ReadableStream<LanguageModelV4StreamPart> },
>({ guard, onKillStream }: Guarding, model: ModelIdentity, params: P, send: (params: P) => PromiseLike<R>): Promise<R> {
  const held = holdable(guard, model, params);
  const request = toCallRequest(model, held);
  let started: R | undefined;
  const stream = await unmasked(
    guard.stream(request, async (grant) => {
      assertSameModel(request, grant);
      started = await asBilled(() => send(granted(held, request, grant)));
      const reader = new StreamReader(request, new ToolFees(params.tools), onKillStream);
      return { stream: started.stream, meter: reader.meter, onStop: reader.onStop };
    }),
  );
  return { ...(started as R), stream };
}

/** A model object can't become another model. */
function assertSameModel(request: CallRequest, grant: CallGrant): void {
  if (grant.model === request.model) return;
  throw new ConfigError(
    `The guard asks for the model ${grant.model} instead of ${request.model}, but an AI SDK model object can't be exchanged inside the call. ` +
      `Choose the model in prepareStep, where guard.status() tells how much is left.`,
    { path: 'onThreshold' },
  );
}
