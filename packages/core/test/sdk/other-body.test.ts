/** What is held is what is sent, whatever happened to the caller's object, the body or the fetch in between. */
import { Readable } from 'node:stream';
import OpenAI, { toFile } from 'openai';
import { describe, expect, it } from 'vitest';
import { AgentKavach, Budget, BudgetExceededError, findKavachError } from '../../src/index.ts';
import type { Fetch } from '../../src/transport/request.ts';
import { rejection, reserved, spends, spentNano } from '../../src/testing/index.ts';
import { world } from './world.ts';

const messages = [{ role: 'user' as const, content: 'Hi' }];

describe('a body that is no longer what the caller’s object says', () => {
  it('is held as it is sent, where the caller changes the object while the call waits', async () => {
    await using w = await world(() => ({ tokens: 5_000 }));
    const guard = new AgentKavach({ budget: Budget.total(0.03) });
    const body = { model: 'gpt-4o', max_tokens: 5_000, messages };
    const written = Promise.withResolvers<undefined>();
    const openai = guard.wrap(
      w.openai({
        // The object is written out before this is asked.
        defaultHeaders: Object.defineProperty({}, 'x-none', {
          enumerable: true,
          get: () => written.resolve(undefined),
        }),
      }),
    );
    const asked = openai.chat.completions.create(body);
    await written.promise;
    body.max_tokens = 5;
    await asked;
    expect(w.sim.ledger.totalNano()).toBeLessThanOrEqual(30_000_000);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('is held as it is sent, where an option of the request replaces it', async () => {
    await using w = await world(() => ({ tokens: 5_000 }));
    const guard = new AgentKavach({ budget: Budget.total(0.03) });
    const fetchOptions = { body: JSON.stringify({ model: 'gpt-4o', max_tokens: 5_000, messages }) };
    await guard
      .wrap(w.openai())
      .chat.completions.create({ model: 'gpt-4o', max_tokens: 5, messages }, { fetchOptions: fetchOptions as object });
    expect(w.sim.ledger.totalNano()).toBeLessThanOrEqual(30_000_000);
  });

  it('is held as it is sent, where an object in it writes itself', async () => {
    await using w = await world();
    const next = w.sim.nextRequest();
    const guard = new AgentKavach({ budget: Budget.total(0.1) });
    const body = { model: 'gpt-4o', messages, n: 1, toJSON: () => ({ model: 'gpt-4o', messages, max_tokens: 50_000 }) };
    await guard.wrap(w.openai()).chat.completions.create(body);
    expect((await next).request.body['max_tokens']).toBeLessThan(10_000);
  });
});

describe('two guards on one client', () => {
  it('both lower the cap, and both charge a stream what the provider bills', async () => {
    await using w = await world();
    const team = new AgentKavach({ budget: Budget.total(0.01) });
    const org = new AgentKavach({ budget: Budget.total(10) });
    const next = w.sim.nextRequest();
    const openai = org.wrap(team.wrap(w.openai()));
    for await (const chunk of await openai.chat.completions.create({ model: 'gpt-4o', messages, stream: true }))
      expect(chunk.choices).toHaveLength(1);
    expect((await next).request.maxOutputTokens).toBeLessThan(1_000);
    expect(spentNano(team)).toBe(w.sim.ledger.totalNano());
    expect(spentNano(org)).toBe(w.sim.ledger.totalNano());
  });
});

describe('a fetch that a request of Google’s brings', () => {
  const request = (fetch: Fetch) => ({
    model: 'gemini-2.0-flash',
    contents: 'Hi',
    config: { httpOptions: { fetch: fetch } },
  });

  it('is guarded too: charged, and not asked where there is no room', async () => {
    await using w = await world();
    let asked = 0;
    const fetch: Fetch = (input, init) => {
      asked += 1;
      return globalThis.fetch(input, init);
    };
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const { models } = guard.wrap(w.google());
    await models.generateContent(request(fetch));
    for await (const _ of await models.generateContentStream(request(fetch)));
    expect(asked).toBe(2);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    const poor = new AgentKavach({ budget: Budget.total(0.0000001) });
    const refused = poor.wrap(w.google()).models.generateContent(request(fetch));
    expect(await rejection(refused)).toBeInstanceOf(BudgetExceededError);
    expect(asked).toBe(2);
  });
});

describe('a response in the background', () => {
  it('is charged what it holds where its stream is left: it goes on at OpenAI', async () => {
    await using w = await world(() => ({ tokens: 400, hold: new Promise(() => {}), holdAfterChunks: 3 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const { all } = spends(guard);
    const request = { model: 'gpt-4.1', max_output_tokens: 1_000, input: 'Hi', background: true } as const;
    for await (const _ of await guard.wrap(w.openai()).responses.create({ ...request, stream: true })) break;
    expect(all).toMatchObject([{ outcome: 'cancelled', outputTokens: 1_000 }]);
  });
});

describe('a stream that comes with another type', () => {
  const sse = 'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n';
  const usage = 'data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}\n\n';
  const answer = (type: string, body: string) => new Response(body, { headers: { 'content-type': type } });
  const open = async (type: string, body: string, answered = answer(type, body)) => {
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const { all } = spends(guard);
    const fetch: Fetch = () => Promise.resolve(answered);
    const openai = guard.wrap(new OpenAI({ apiKey: 'test', fetch }));
    const request = { model: 'gpt-4o', max_tokens: 1_000, messages, stream: true } as const;
    for await (const _ of await openai.chat.completions.create(request));
    return all;
  };

  it('is read as a stream, however the type is written', async () => {
    expect(await open('Text/Event-Stream', sse + usage)).toMatchObject([{ inputTokens: 10, outputTokens: 5 }]);
  });

  it('is read where its body is a stream of Node’s, as node-fetch has it', async () => {
    const answered = answer('text/event-stream', '');
    Object.defineProperty(answered, 'body', { value: Readable.from([Buffer.from(sse + usage)]) });
    expect(await open('', '', answered)).toMatchObject([{ inputTokens: 10, outputTokens: 5 }]);
  });

  it('is charged what it holds where nothing in it can be read', async () => {
    expect(await open('text/plain', sse)).toMatchObject([{ outputTokens: 1_000, estimated: true }]);
  });
});

describe('an answer without a body to a request for a stream', () => {
  it('is charged what it holds, at once, and is not asked for again', async () => {
    let asked = 0;
    const fetch: Fetch = () =>
      Promise.resolve(new Response(null, { status: 204, headers: { n: String((asked += 1)) } }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const { all } = spends(guard);
    const openai = guard.wrap(new OpenAI({ apiKey: 'test', fetch }));
    const request = { model: 'gpt-4o', max_tokens: 1_000, messages, stream: true } as const;
    const { response } = await openai.chat.completions.create(request).withResponse();
    expect(response.status).toBe(204);
    expect(asked).toBe(1);
    expect(all).toMatchObject([{ outputTokens: 1_000, estimated: true }]);
    expect(reserved(guard)).toBe(0);
  });
});

describe('images to edit', () => {
  it('are held each', async () => {
    const guard = new AgentKavach({ budget: Budget.total(10) });
    const held: number[] = [];
    const fetch: Fetch = () => {
      if (reserved(guard) > 0) held.push(reserved(guard)); // the client tries out its fetch first
      return Promise.resolve(new Response('{}', { status: 400 }));
    };
    const { images } = guard.wrap(new OpenAI({ apiKey: 'test', fetch }));
    const file = await toFile(new Uint8Array(4), 'a.png', { type: 'image/png' });
    for (const image of [[file], Array<typeof file>(16).fill(file)])
      await rejection(images.edit({ model: 'gpt-image-1', prompt: 'Hi', image }));
    expect(held).toHaveLength(2);
    expect(held[1]).toBeGreaterThan(held[0] ?? Number.NaN);
  });
});

describe('a refusal', () => {
  it('is the guard’s own error also where a middleware makes a new answer of it', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(0.0000001) });
    const anthropic = guard.wrap(
      w.anthropic({ middleware: [async (request, next) => new Response(null, await next(request))] }),
    );
    const asked = anthropic.messages.create({ model: 'claude-sonnet-4-6', max_tokens: 10, messages });
    expect(findKavachError(await rejection(asked))).toBeInstanceOf(BudgetExceededError);
  });
});

describe('a token for the identity of a workload', () => {
  it('is no call, and passes a hard limit', async () => {
    const asked: string[] = [];
    const fetch: Fetch = (input) => {
      asked.push(input instanceof Request ? input.url : String(input));
      return Promise.resolve(Response.json({ access_token: 'token', expires_in: 3_600 }));
    };
    const openai = new AgentKavach({ budget: Budget.total(1) }).wrap(
      new OpenAI({
        fetch,
        workloadIdentity: {
          identityProviderId: 'idp',
          serviceAccountId: 'account',
          provider: { tokenType: 'jwt', getToken: () => Promise.resolve('subject') },
        },
      }),
    );
    await openai.chat.completions.create({ model: 'gpt-4o', messages });
    expect(asked.map((url) => new URL(url).pathname)).toEqual(['/oauth/token', '/v1/chat/completions']);
  });
});
