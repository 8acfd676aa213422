/** Guarded language model calls: shared by the middleware and by guarded model objects of every version. */
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { AgentKavach } from '@agentkavach/core';
import { keptItemsOf } from '@agentkavach/core/providers';
import { countToolCalls, modelOfAnswer, usageOfAnswer, type Answer } from './answer.ts';
import { asBilled, unmasked } from './failure.ts';
import { holdable } from './hard-limit.ts';
import { reasoningIds } from './kept-items.ts';
import { remember, type NextCall } from './next-call.ts';
import type { ModelIdentity } from './provider-name.ts';
import type { CallParams } from './provider-options.ts';
import { ToolFees } from './provider-tools.ts';
import { granted, toCallRequest } from './request.ts';
import { list } from './shape.ts';
import { StreamReader, type OnKillStream } from './stream.ts';

/** A guard and how its kills show in streams. */
export interface Guarding {
  readonly guard: AgentKavach;
  readonly onKillStream: OnKillStream;
}

interface Generated extends Answer {
  readonly content?: readonly { readonly type: string }[];
}

/** Sends a request to the model that the guard names: another one of the same provider only where the call can switch. */
type Send<P, R> = (params: P, model: string) => PromiseLike<R>;

/**
 * Guards one call that answers in one piece.
 *
 * @param canSwitch whether `send` heeds the model's name, so that `onThreshold` may ask another one
 */
export function guardedGenerate<P extends CallParams, R extends Generated>(
  { guard }: Guarding,
  model: ModelIdentity,
  params: P,
  send: Send<P, R>,
  canSwitch = false,
): Promise<R> {
  const held = holdable(guard, model, params);
  const request = toCallRequest(model, held, canSwitch);
  return unmasked(
    guard.call(request, async (grant) => {
      const sent = granted(held, request, grant);
      const asked = { ...request, model: grant.model };
      const value = await asBilled(() => send(sent, grant.model));
      const fees = new ToolFees(params.tools);
      for (const part of value.content ?? []) fees.see(part);
      remember(guard, value, carryOn(model, held, canSwitch));
      const usage = usageOfAnswer(asked, value, fees.counts);
      keptItemsOf(model).learn(grant.model, reasoningIds(value.content), usage?.outputTokens);
      return {
        value,
        usage,
        model: modelOfAnswer(asked, value.response),
        toolCalls: countToolCalls(value.content),
      };
    }),
  );
}

/** Guards one call that streams. */
export async function guardedStream<
  P extends CallParams,
  R extends { readonly response?: unknown; readonly stream: ReadableStream<LanguageModelV4StreamPart> },
>({ guard, onKillStream }: Guarding, model: ModelIdentity, params: P, send: Send<P, R>, canSwitch = false): Promise<R> {
  const held = holdable(guard, model, params);
  const request = toCallRequest(model, held, canSwitch);
  let started: R | undefined;
  const stream = await unmasked(
    guard.stream(request, async (grant) => {
      const sent = granted(held, request, grant);
      started = await asBilled(() => send(sent, grant.model));
      remember(guard, started, carryOn(model, held, canSwitch));
      const asked = { ...request, model: grant.model };
      const reader = new StreamReader(asked, new ToolFees(params.tools), onKillStream, keptItemsOf(model));
      return { stream: started.stream, meter: reader.meter, onStop: reader.onStop, isWhole: reader.isWhole };
    }),
  );
  return { ...(started as R), stream };
}

/** The request of the step after this one. */
function carryOn(model: ModelIdentity, params: CallParams, canSwitch: boolean): NextCall {
  return (added) => toCallRequest(model, { ...params, prompt: [...list(params.prompt), ...added] }, canSwitch);
}
