/**
 * Anthropic's Messages API, also its beta, and its other endpoints.
 * Source: platform.claude.com/docs/en/api (messages, batches, prompt caching, extended thinking, server tools).
 */
import type { CallRequest, StreamMeter } from '../call.ts';
import { capEdits, holdsOnlyText, isEffort, positive, whole } from './body-fields.ts';
import type { Draft, Endpoints, Granted, RawCall, StreamReader } from './draft.ts';
import { allowedToolCalls, inputRounds, TOOL_CALL_CEILING, type HostedTool } from './hosted-tools.ts';
import { otherModel } from './other-model.ts';
import { anthropicTools, refusedTool } from './raw-tools.ts';
import { figuresOfResponse } from './response.ts';
import { mergeAnthropicUsage } from './usage-anthropic.ts';
import { count, fields, list, text, type Fields } from './usage-fields.ts';

/** What each of Anthropic's paths costs. */
export const ANTHROPIC_ENDPOINTS: Endpoints = [
  [/\/messages$/, messagesDraft],
  [
    /\/messages\/count_tokens$|\/oauth\/token$|\/messages\/batches\/[^/]+\/cancel$|\/files$|\/skills$|\/skills\/[^/]+\/versions$/,
    'free',
  ],
  [
    /\/messages\/batches$/,
    {
      unpriceable:
        'a batch is as many calls as it has requests, and ends after hours. Send the messages one by one; or send it with a client that is not wrapped and book its cost with guard.charge()',
    },
  ],
];

/** A message. */
function messagesDraft({ provider, body }: RawCall): Draft {
  const model = text(body['model']) ?? '';
  const tools = anthropicTools(body, model);
  const thinking = fields(body['thinking']);
  const isHidden = isSet(body['container']) || isSet(body['context_management']) || isContinued(body);
  const hasMcpServers = list(body['mcp_servers']).length > 0;
  const request: CallRequest = {
    provider,
    model,
    input: body,
    // More than any context window, which is what the guard then holds.
    inputTokens: isHidden ? Number.MAX_SAFE_INTEGER : undefined,
    // A compaction reads the conversation once more.
    inputRounds: inputRounds(tools, hasMcpServers) ?? (isSet(body['context_management']) ? 2 : undefined),
    maxOutputTokens: positive(body['max_tokens']),
    canClampOutput: true,
    canSwitchModel: true,
    hidesOutput:
      (thinking !== undefined && thinking['type'] !== 'disabled') ||
      isEffort(fields(body['output_config'])?.['effort']) ||
      undefined,
    serviceTier: tierOf(body),
    cacheWrite: cacheWrite(body),
    textOnly: (tools.length === 0 && holdsOnlyText(body['messages'])) || undefined,
    toolCalls: allowedToolCalls(tools, model),
  };
  return {
    request,
    isStream: body['stream'] === true,
    refusal: refusedTool(tools) ?? otherModel(body, model),
    ceilings: toolCeilings(body, tools),
    edits: (grant) => ({ ...capEdits(body, model, grant, 'max_tokens'), ...thinkingEdits(thinking, grant) }),
    reader: () => new MessagesReader(provider),
    figures: (answer) => figuresOfResponse(provider, answer),
  };
}

/** A thread is a conversation that Anthropic keeps; one that begins has nothing in it yet. */
function isContinued({ thread }: Fields): boolean {
  return isSet(thread) && fields(thread)?.['type'] !== 'create';
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Fast mode and US-only inference have prices of their own, like tiers. `auto` is the default. */
function tierOf(body: Fields): string | undefined {
  if (body['speed'] === 'fast') return 'fast';
  if (body['inference_geo'] === 'us') return 'us';
  const tier = text(body['service_tier']);
  return tier === 'auto' ? undefined : tier;
}

/** Anthropic refuses a thinking budget that is not below the cap; at least 1,024 tokens it must have. */
function thinkingEdits(thinking: Fields | undefined, { maxOutputTokens }: Granted): Fields {
  const budget = count(thinking?.['budget_tokens']);
  if (budget === undefined || maxOutputTokens === undefined || budget < maxOutputTokens) return {};
  return { thinking: { ...thinking, budget_tokens: Math.max(1_024, Math.floor(maxOutputTokens / 2)) } };
}

/** A ceiling for each web tool that has none. */
function toolCeilings(body: Fields, hosted: readonly HostedTool[]): Fields | undefined {
  if (!hosted.some(({ limit }) => limit === 'tool')) return undefined;
  const tools = list(body['tools']).map((entry) => {
    const tool = fields(entry);
    if (tool === undefined || !/^web_(search|fetch)_/.test(text(tool['type']) ?? '')) return entry;
    return whole(tool['max_uses']) === undefined ? { ...tool, max_uses: TOOL_CALL_CEILING } : entry;
  });
  return { tools };
}

/** The longest cache lifetime that the request asks for. Plain loops: this runs before every call. */
function cacheWrite(body: Fields): '5m' | '1h' | 'none' {
  let longest = lifetime(body['cache_control'], 'none');
  for (const tool of list(body['tools'])) longest = lifetime((tool as Fields | null)?.['cache_control'], longest);
  longest = lifetimeIn(body['system'], longest);
  for (const message of list(body['messages'])) longest = lifetimeIn((message as Fields | null)?.['content'], longest);
  return longest;
}

type Lifetime = '5m' | '1h' | 'none';

function lifetimeIn(blocks: unknown, longest: Lifetime): Lifetime {
  if (!Array.isArray(blocks)) return longest;
  let found = longest;
  for (const block of blocks as readonly (Fields | null)[]) {
    found = lifetime(block?.['cache_control'], found);
    if (block?.['content'] !== undefined) found = lifetimeIn(block['content'], found);
    // A document may be made of blocks.
    if (block?.['source'] !== undefined) found = lifetimeIn(fields(block['source'])?.['content'], found);
  }
  return found;
}

/** One mark: `{ type: 'ephemeral', ttl?: '5m' | '1h' }`. A lifetime that we don't know counts as the dearest. */
function lifetime(mark: unknown, longest: Lifetime): Lifetime {
  if (mark === undefined || mark === null || longest === '1h') return longest;
  const ttl = fields(mark)?.['ttl'];
  return ttl === undefined || ttl === '5m' ? '5m' : '1h';
}

/** What stands around a tool call besides its name and arguments; the meter counts bytes. */
const FRAME_BYTES = 64;

/** Reads a stream of message events. */
class MessagesReader implements StreamReader {
  hasEnded = false;
  readonly #provider: string;
  #usage: Fields | undefined;
  #model: string | undefined;
  readonly #blocks: unknown[] = [];

  constructor(provider: string) {
    this.#provider = provider;
  }

  event(data: Fields, meter: StreamMeter): void {
    switch (data['type']) {
      case 'message_start': {
        const message = fields(data['message']);
        this.#model = text(message?.['model']);
        if (this.#model !== undefined) meter.model(this.#model);
        return this.#merge(message?.['usage']);
      }
      case 'content_block_start':
        return this.#block(fields(data['content_block']), meter);
      case 'content_block_delta':
        return delta(fields(data['delta']), meter);
      case 'message_delta':
        this.#merge(data['usage']);
        // Before the reason to stop has come, the figures are a running count.
        if (isSet(fields(data['delta'])?.['stop_reason'])) this.#report(meter);
        return;
      case 'message_stop':
        return this.#report(meter);
      case 'error':
        return meter.failed();
    }
  }

  #merge(usage: unknown): void {
    const stated = fields(usage);
    if (stated !== undefined) this.#usage = mergeAnthropicUsage(this.#usage, stated);
  }

  #block(block: Fields | undefined, meter: StreamMeter): void {
    if (block === undefined) return;
    this.#blocks.push({ type: block['type'], name: block['name'] });
    if (block['type'] === 'tool_use') meter.toolCall();
    const name = text(block['name']);
    if (name !== undefined) meter.output(name.padEnd(name.length + FRAME_BYTES));
    if (typeof block['text'] === 'string') meter.output(block['text']);
  }

  #report(meter: StreamMeter): void {
    this.hasEnded = true;
    if (this.#usage === undefined) return;
    const answer = { model: this.#model, usage: this.#usage, content: this.#blocks };
    const { usage } = figuresOfResponse(this.#provider, answer);
    // A stream that says nothing of its output has not said its last word.
    if (usage?.outputTokens !== undefined) meter.usage(usage);
  }
}

function delta(value: Fields | undefined, meter: StreamMeter): void {
  if (value === undefined) return;
  // The last is the summary of a compaction.
  for (const key of ['text', 'thinking', 'partial_json', 'content'] as const)
    if (typeof value[key] === 'string') meter.output(value[key]);
}
