import { describe, expect, it } from 'vitest';
import { readAgain } from './read-again.ts';

async function answer(text = '{"a":1}'): Promise<Response> {
  const response = new Response(text, { status: 201, headers: { 'x-request-id': 'r1' } });
  return readAgain(response, await response.text());
}

describe('an answer that is read again', () => {
  it('is the same object, with its status and headers', async () => {
    const response = await answer();
    expect(response).toBeInstanceOf(Response);
    expect(response.status).toBe(201);
    expect(response.ok).toBe(true);
    expect(response.headers.get('x-request-id')).toBe('r1');
  });

  it.each(['text', 'json', 'arrayBuffer', 'bytes', 'blob'] as const)('gives its body once, by %s()', async (way) => {
    const response = await answer();
    expect(response.bodyUsed).toBe(false);
    const value: unknown = await response[way]();
    const text = way === 'json' ? JSON.stringify(value) : await new Response(value as string).text();
    expect(text).toBe('{"a":1}');
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
  });

  it('hands out the object that was made of its text, once', async () => {
    const response = new Response('{"a":1}');
    const parsed = { a: 1 };
    readAgain(response, await response.text(), parsed);
    expect(await response.json()).toBe(parsed);
    await expect(response.json()).rejects.toThrow(TypeError);
  });

  it('gives its body as one and the same stream', async () => {
    const response = await answer();
    expect(response.body).toBe(response.body);
    expect(await response.text()).toBe('{"a":1}'); // to look at the stream is not to read it
    await expect(response.body?.getReader().read()).rejects.toThrow(TypeError);
  });

  it.each(['default', 'byob'] as const)('streams its text to a %s reader, once', async (mode) => {
    const response = await answer('{"ä":1}');
    const reader = mode === 'byob' ? response.body?.getReader({ mode }) : response.body?.getReader();
    expect(response.bodyUsed).toBe(true);
    const { value } = (await reader?.read(new Uint8Array(64))) as { value: Uint8Array };
    expect(new TextDecoder().decode(value)).toBe('{"ä":1}');
    expect((await reader?.read(new Uint8Array(64)))?.done).toBe(true);
    await expect(response.json()).rejects.toThrow(TypeError);
  });

  it('is used up where its stream was given up', async () => {
    const response = await answer();
    await response.body?.cancel();
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
  });

  it('can be copied before it is read', async () => {
    const response = await answer();
    expect(await response.clone().json()).toEqual({ a: 1 });
    expect(await response.json()).toEqual({ a: 1 });
  });

  it('rejects for text that is no JSON, and has no body where it was empty', async () => {
    await expect((await answer('<html>')).json()).rejects.toThrow(SyntaxError);
    expect((await answer('')).body).toBeNull();
  });
});
