/** How large events are: an estimate for the hot path, the exact size for what is sent. */
import type { WireEvent } from '../wire/index.ts';

const encoder = new TextEncoder();

/** A settled call's object without its free texts, as V8 keeps it. */
const OBJECT_BYTES = 400;

/** About how much memory an event takes. Cheap: it looks at lengths only. */
export function memoryBytes(event: WireEvent): number {
  if (event.type === 'call') {
    let characters = event.prompt?.length ?? 0;
    if (event.tags !== undefined) for (const tag of event.tags) characters += tag.length + 16;
    return OBJECT_BYTES + characters * 2;
  }
  return OBJECT_BYTES + ('message' in event ? (event.message?.length ?? 0) * 2 : 0);
}

/** Bytes of an event as JSON in UTF-8. */
export function jsonBytes(event: WireEvent): number {
  return encoder.encode(JSON.stringify(event)).byteLength;
}
