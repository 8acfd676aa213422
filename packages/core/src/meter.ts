/** What a stream says about itself while it runs, counted on its call. */
import type { StreamMeter, Usage } from './call.ts';
import type { InFlight } from './in-flight.ts';
import { countUtf8Length, utf8Length } from './pricing/bound-text.ts';

/** Up to this length a loop is faster than a call into the runtime's native code. */
const SHORT = 64;

/** Counts what one stream says about itself. */
export class Meter implements StreamMeter {
  readonly #call: InFlight;

  constructor(call: InFlight) {
    this.#call = call;
  }
  output(text: string): void {
    this.#call.outputSeen += text.length < SHORT ? countUtf8Length(text) : utf8Length(text);
  }
  usage(usage: Usage): void {
    this.#call.reported = usage;
  }
  model(id: string): void {
    this.#call.answeredBy(id);
  }
  toolCall(): void {
    this.#call.toolCalls += 1;
  }
  failed(): void {
    this.#call.failed = true;
  }
  ended(): void {
    this.#call.saidAll = true;
  }
}
