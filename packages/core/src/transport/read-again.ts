/**
 * An answer whose text was read already, to be read once more by the client. It stays the provider's own object, with its
 * status, headers and address; only what reads its body is another. A new Response would cost as much as all the rest of
 * the guard.
 */

/** Under these symbols an answer carries its text, until somebody reads it, and what the platform would make of it. */
const TEXT: unique symbol = Symbol('agentkavach.text');
const STREAM: unique symbol = Symbol('agentkavach.stream');
const PARSED: unique symbol = Symbol('agentkavach.parsed');

interface Reread extends Response {
  [TEXT]: string | undefined;
  [STREAM]: ReadableStream<Uint8Array> | undefined;
  [PARSED]: object | undefined;
}

/** Prototypes by the one that they stand on: a client's `fetch` may have a Response class of its own. */
const prototypes = new WeakMap<object, object>();

/**
 * Makes an answer readable again.
 *
 * @param parsed the text as an object, where it was parsed and nobody else keeps it: the client's then
 * @returns the same object
 */
export function readAgain(response: Response, text: string, parsed?: object): Response {
  const own = Object.getPrototypeOf(response) as object;
  let prototype = prototypes.get(own);
  if (prototype === undefined) prototypes.set(own, (prototype = Object.create(own, READERS) as object));
  Object.setPrototypeOf(response, prototype);
  (response as Reread)[TEXT] = text;
  (response as Reread)[PARSED] = parsed;
  return response;
}

function isUsed(response: Reread): boolean {
  return response[TEXT] === undefined || response[STREAM]?.locked === true;
}

function take(response: Reread): string {
  if (isUsed(response)) throw used();
  const text = response[TEXT] ?? '';
  response[TEXT] = undefined;
  return text;
}

function used(): TypeError {
  return new TypeError('Body is unusable: Body has already been read');
}

/** The text as a stream, which is written out only when somebody reads it: clients ask for it and read the text instead. */
function streamOf(response: Reread): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      type: 'bytes',
      pull: (controller) => {
        const text = response[TEXT];
        if (text === undefined) throw used();
        response[TEXT] = undefined;
        controller.enqueue(new TextEncoder().encode(text));
        controller.close();
      },
      cancel: () => {
        response[TEXT] = undefined;
      },
    },
    { highWaterMark: 0 },
  );
}

function takeJson(response: Reread): unknown {
  const text = take(response);
  const parsed = response[PARSED];
  response[PARSED] = undefined;
  return parsed ?? (JSON.parse(text) as unknown);
}

/** The answer as the platform would give it, for readers that are rare here. */
function rest({ status, statusText, headers }: Response, text: string): Response {
  return new Response(text === '' ? null : text, { status, statusText, headers });
}

function reader<T>(read: (response: Reread) => T | Promise<T>): PropertyDescriptor {
  return {
    value(this: Reread): Promise<T> {
      try {
        return Promise.resolve(read(this));
      } catch (error) {
        return Promise.reject(error);
      }
    },
  };
}

const READERS: PropertyDescriptorMap = {
  text: reader(take),
  json: reader(takeJson),
  arrayBuffer: reader((response) => rest(response, take(response)).arrayBuffer()),
  bytes: reader(async (response) => new Uint8Array(await rest(response, take(response)).arrayBuffer())),
  blob: reader((response) => rest(response, take(response)).blob()),
  formData: reader((response) => rest(response, take(response)).formData()),
  body: {
    get(this: Reread): ReadableStream<Uint8Array> | null {
      return this[TEXT] === '' ? null : (this[STREAM] ??= streamOf(this));
    },
  },
  bodyUsed: {
    get(this: Reread): boolean {
      return isUsed(this);
    },
  },
  clone: {
    value(this: Reread): Response {
      if (isUsed(this)) throw new TypeError('Response.clone: Body has already been consumed.');
      return rest(this, this[TEXT] ?? '');
    },
  },
};
