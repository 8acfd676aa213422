/** The part of Deno's globals that the functions use, so that the compiler on Node accepts their `index.ts`. */
declare const Deno: {
  readonly env: { toObject(): Record<string, string> };
  serve(handler: (request: Request) => Response | Promise<Response>): unknown;
};
