/** Translates an AI SDK model call into the guard's request, and the guard's grant into the parameters to send. */
import type { CallGrant, CallRequest } from '@agentkavach/core';
import { allowedToolCalls, inputRounds, keptItemsOf } from '@agentkavach/core/providers';
import { wasNotSent } from './failure.ts';
import {
  askedTier,
  asksForReasoning,
  cacheWrite,
  callerCap,
  extraOutput,
  hasHiddenInput,
  optionsFor,
  withCap,
  type CallParams,
} from './provider-options.ts';
import { normaliseProvider, type ModelIdentity } from './provider-name.ts';
import { hostedTools } from './provider-tools.ts';
import { count, fields, list } from './shape.ts';
import { holdsOnlyText } from './text-only.ts';

/**
 * Rides on the parameters of a call, so that a second guarded layer recognises it after a middleware has rewritten the
 * prompt or has adapted it to another version of the specification.
 */
const CALL = Symbol.for('agentkavach.call');

/** The object that stays the same when one call passes through several guarded layers. */
export function identityOf(params: object, own: unknown): object {
  const carried: unknown = Reflect.get(params, CALL);
  if (typeof carried === 'object' && carried !== null) return carried;
  return typeof own === 'object' && own !== null ? own : params;
}

/**
 * The guard's request for a language model call.
 *
 * @param canSwitch whether the call can go to another model of the same provider
 */
export function toCallRequest(model: ModelIdentity, params: CallParams, canSwitch = false): CallRequest {
  const name = normaliseProvider(model.provider, model.modelId);
  const options = optionsFor(model, name, params);
  const { prompt, tools, toolChoice, reasoning, responseFormat, providerOptions } = params;
  const hosted = hostedTools(tools, providerOptions, model.modelId);
  // A hosted shell puts out whatever its commands print.
  const isHidden = hasHiddenInput(options, prompt) || hosted.some(({ id }) => id === 'openai.shell');
  return {
    ...name,
    address: addressOf(model),
    input: { prompt, tools, ...chosen({ toolChoice, reasoning }), responseFormat, providerOptions },
    // More than any context window, which is what the guard then holds.
    inputTokens: isHidden ? Number.MAX_SAFE_INTEGER : undefined,
    inputRounds: inputRounds(hosted, list(options['mcpServers']).length > 0),
    // A tool that the provider runs may bring images.
    textOnly: (!isHidden && hosted.length === 0 && holdsOnlyText(prompt)) || undefined,
    maxOutputTokens: callerCap(options, params),
    extraOutputTokens: extraOutput(name, options, params),
    hidesOutput: asksForReasoning(options, params),
    canClampOutput: true,
    // What the provider's own tools cost depends on the model that uses them.
    canSwitchModel: (canSwitch && hosted.length === 0) || undefined,
    serviceTier: askedTier(name, options),
    cacheWrite: cacheWrite(name, options, params),
    toolCalls: allowedToolCalls(hosted, model.modelId),
    candidates: count(options['n']),
    signal: params.abortSignal,
    keptItems: keptItemsOf(model).tokensOf,
    notSent: wasNotSent,
    identity: identityOf(params, prompt),
  };
}

const addresses = new WeakMap<object, string>();

/** Where a model object sends to is its own secret, so that each counts as a host. */
function addressOf(model: object): string {
  let address = addresses.get(model);
  if (address === undefined) addresses.set(model, (address = crypto.randomUUID()));
  return address;
}

/** What the caller chose of the settings that change how a prompt is read. */
function chosen({ toolChoice, reasoning }: Pick<CallParams, 'toolChoice' | 'reasoning'>): object | undefined {
  const isAuto = toolChoice === undefined || fields(toolChoice)?.['type'] === 'auto';
  const isDefault = reasoning === undefined || reasoning === 'provider-default';
  return isAuto && isDefault ? undefined : { toolChoice: isAuto ? undefined : toolChoice, reasoning };
}

/** The parameters to send: the grant's signal and output cap, under whatever name the options give the cap. */
export function granted<P extends CallParams>(params: P, request: CallRequest, grant: CallGrant): P {
  const { maxOutputTokens } = grant;
  return {
    ...params,
    ...(maxOutputTokens === undefined
      ? {}
      : { maxOutputTokens, providerOptions: withCap(params.providerOptions, maxOutputTokens) }),
    abortSignal: grant.signal,
    [CALL]: request.identity,
  };
}

/** Parameters of an embedding or image call with the grant's signal. */
export function signalled<P extends object>(params: P, request: CallRequest, grant: CallGrant): P {
  return { ...params, abortSignal: grant.signal, [CALL]: request.identity };
}

/** The tier to settle on where the answer names none: the one asked, unless it would be cheaper than the standard. */
export function tierWithoutAnswer(request: CallRequest): string | undefined {
  const tier = request.serviceTier;
  return tier === 'flex' || tier === 'batch' ? undefined : tier;
}
