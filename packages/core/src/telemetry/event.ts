/**
 * Makes wire events from plain facts: gives them their id, and keeps every text within what the backend takes, so that
 * no event of ours is refused for its size or for characters that Postgres can't store.
 */
import { WIRE_LIMITS, type CallEvent, type ChargeEvent, type NoteEvent, type WireEvent } from '../wire/index.ts';

/** Ends a prompt that was cut. */
export const TRUNCATION_MARK = '… [truncated]';

/** The first 48 bits of every event id of one guard: what tells its events from those that an earlier one left behind. */
export function newOrigin(): string {
  const origin = crypto.randomUUID().slice(0, 13);
  return `${(digitOf(origin) & ~1).toString(16)}${origin.slice(1)}`;
}

/** A UUID (version 4) for an event. */
function eventId(origin: string): string {
  return origin + crypto.randomUUID().slice(13);
}

/** The same origin for an event whose times are the machine's, because the backend's clock is not known yet: its first digit is odd. */
export function untimed(origin: string): string {
  return `${(digitOf(origin) | 1).toString(16)}${origin.slice(1)}`;
}

/** Whether the guard of an origin made an event. */
export function isFrom({ id }: Pick<WireEvent, 'id'>, origin: string): boolean {
  return id.startsWith(origin.slice(1), 1);
}

/**
 * An event in the backend's time. One that was made before that was known is moved by what the machine's clock has turned out to
 * be wrong by; its id tells, also to a later process.
 *
 * @param offsetMs the backend's clock minus the machine's
 */
export function retimed<E extends WireEvent>(event: E, offsetMs: number): E {
  if (offsetMs === 0 || digitOf(event.id) % 2 === 0) return event;
  const moved = { ...event, at: Math.max(0, event.at + offsetMs) };
  return 'startedAt' in moved ? { ...moved, startedAt: Math.max(0, moved.startedAt + offsetMs) } : moved;
}

function digitOf(id: string): number {
  return Number.parseInt(id.charAt(0), 16);
}

/** An event without its id and type. */
type Facts<E> = Omit<E, 'id' | 'type'>;

/** What is known of a settled call. `prompt` only after opt-in; it is cut to 2,048 characters. */
export type CallFacts = Facts<CallEvent>;

/** What is known of money spent outside a call. */
export type ChargeFacts = Facts<ChargeEvent>;

/** What is known of a refusal, a kill or a resume. */
export type NoteFacts = Omit<NoteEvent, 'id'>;

/**
 * A settled call.
 *
 * @example buffer.append(callEvent({ agent: 'research-bot', runId, at, startedAt, provider: 'openai', model: 'gpt-4o', … }));
 */
export function callEvent(facts: CallFacts, origin = newOrigin()): CallEvent {
  return {
    id: eventId(origin),
    type: 'call',
    agent: name(facts.agent),
    runId: name(facts.runId),
    at: Math.round(facts.at),
    startedAt: Math.round(facts.startedAt),
    user: facts.user === undefined ? undefined : name(facts.user),
    tags: tagList(facts.tags),
    provider: name(facts.provider),
    model: name(facts.model),
    outcome: facts.outcome,
    estimated: facts.estimated,
    nano: facts.nano,
    tokens: facts.tokens,
    calls: facts.calls,
    inputTokens: facts.inputTokens,
    outputTokens: facts.outputTokens,
    toolCalls: facts.toolCalls,
    prompt: facts.prompt === undefined ? undefined : cutPrompt(facts.prompt),
  };
}

/** Money spent outside a call. */
export function chargeEvent(facts: ChargeFacts, origin = newOrigin()): ChargeEvent {
  return {
    id: eventId(origin),
    type: 'charge',
    agent: name(facts.agent),
    runId: name(facts.runId),
    at: Math.round(facts.at),
    startedAt: Math.round(facts.startedAt),
    user: facts.user === undefined ? undefined : name(facts.user),
    tags: tagList(facts.tags),
    name: name(facts.name),
    nano: facts.nano,
  };
}

/** A refusal, a kill or a resume. */
export function noteEvent(facts: NoteFacts, origin = newOrigin()): NoteEvent {
  return {
    id: eventId(origin),
    type: facts.type,
    agent: name(facts.agent),
    runId: name(facts.runId),
    at: Math.round(facts.at),
    code: name(facts.code),
    message: facts.message === undefined ? undefined : cutPrompt(facts.message),
  };
}

/** A prompt as it is stored: its first 2,048 characters, the last of them {@link TRUNCATION_MARK} where it was cut. */
export function cutPrompt(prompt: string): string {
  if (prompt.length <= WIRE_LIMITS.prompt) return storable(prompt);
  return storable(prompt.slice(0, WIRE_LIMITS.prompt - TRUNCATION_MARK.length)) + TRUNCATION_MARK;
}

function name(text: string): string {
  return storable(text.length > WIRE_LIMITS.name ? text.slice(0, WIRE_LIMITS.name) : text);
}

function tagList(tags: readonly string[] | undefined): readonly string[] | undefined {
  if (tags === undefined || tags.length === 0) return undefined;
  return tags.slice(0, WIRE_LIMITS.tags).map((tag) => storable(tag.slice(0, WIRE_LIMITS.tag)));
}

/** jsonb has no NUL and no half of a surrogate pair, which a cut may leave: U+FFFD stands for both. */
function storable(text: string): string {
  if (text.isWellFormed() && !text.includes('\0')) return text;
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}
