/** What a provider's HTTP answer means for the call, and the answer that the client gets instead of it. */
import { readAgain } from './read-again.ts';
import { parseObject } from './request.ts';
import type { ResponseFigures } from '../providers/response.ts';

/** An answer with an error status: nothing was billed, and the client shall see the answer itself. */
export class ErrorStatus extends Error {
  constructor(readonly response: Response) {
    super(`The provider answered with status ${response.status}.`);
    this.name = 'ErrorStatus';
  }
  /** Read by core to release the reservation. A redirect that is not followed bills nothing either. */
  get status(): number {
    const { status } = this.response;
    return status >= 300 && status < 400 ? 400 : status;
  }
}

/** An answer that began well and could not be read to its end: what was billed can't be known. */
export class LostBody extends Error {
  constructor(
    readonly response: Response,
    override readonly cause: unknown,
  ) {
    super('The answer of the provider broke off.');
    this.name = 'LostBody';
  }
}

/** An answer that was read whole. */
export interface WholeAnswer extends ResponseFigures {
  readonly value: Response;
}

/**
 * Reads a whole answer, so that it is charged whether or not the client ever looks at it.
 *
 * @returns an answer with the same text, and its figures
 */
export async function readWhole(response: Response, figures: (body: unknown) => ResponseFigures): Promise<WholeAnswer> {
  if (!response.ok) throw new ErrorStatus(response);
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    throw new LostBody(response, error);
  }
  const body = parseObject(text);
  return { ...figures(body), value: readAgain(response, text, body) };
}

/** Statuses of good answers that have no body, and may not be given one (fetch.spec.whatwg.org, null body status). */
export const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205]);

/** An answer with another body: status, headers and address stay. */
export function answerLike(
  { status, statusText, headers, url }: Response,
  body: string | ReadableStream<Uint8Array> | null,
): Response {
  const answer = new Response(WITHOUT_BODY.has(status) ? null : body, { status, statusText, headers });
  // A Response that is made has no address, and clients log it.
  Object.defineProperty(answer, 'url', { value: url });
  return answer;
}

/** An answer whose body fails as the provider's did. */
export function brokenAnswer({ response, cause }: LostBody): Response {
  return answerLike(response, new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(cause) }));
}
