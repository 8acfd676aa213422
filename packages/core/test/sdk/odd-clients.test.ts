/** Clients that are made or called in ways of their own: none may spend unseen. */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { Mistral } from '@mistralai/mistralai';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { AgentKavach, Budget, ConfigError } from '../../src/index.ts';
import type { Fetch } from '../../src/transport/request.ts';
import { reserved, spentNano } from '../../src/testing/index.ts';
import { world } from './world.ts';

const messages = [{ role: 'user' as const, content: 'Hi' }];

/** Classes whose constructor keeps the SDK's options to itself. */
const CLOSED = {
  OpenAI: class extends OpenAI {
    constructor() {
      super({ apiKey: 'test' });
    }
  },
  Anthropic: class extends Anthropic {
    constructor() {
      super({ apiKey: 'test' });
    }
  },
  Google: class extends GoogleGenAI {
    constructor() {
      super({ apiKey: 'test' });
    }
  },
  Mistral: class extends Mistral {
    constructor() {
      super({ apiKey: 'test' });
    }
  },
};

describe.each(Object.entries(CLOSED))('a class of its own on the client of %s', (_, Client) => {
  it('is refused where it does not take the guard’s fetch', () => {
    const guard = new AgentKavach({ budget: Budget.total(1) });
    expect(() => guard.wrap(new Client())).toThrow(ConfigError);
    expect(() => guard.wrap(new Client())).toThrow(/super\(\)/);
  });
});

describe('a class of its own that hands its options on', () => {
  it('is guarded, and keeps what it adds', async () => {
    await using w = await world();
    class Named extends OpenAI {
      readonly hello = (): string => 'hello';
    }
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const openai = guard.wrap(new Named({ baseURL: w.sim.baseURL('openai'), apiKey: 'test' }));
    await openai.chat.completions.create({ model: 'gpt-4o', messages });
    expect(openai.hello()).toBe('hello');
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });
});

describe('a client that is wrapped again', () => {
  it('stays as it is: one layer more each time would overflow the stack', () => {
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const openai = guard.wrap(new OpenAI({ apiKey: 'test' }));
    const hook: unknown = Reflect.get(openai, 'withOptions');
    expect(guard.wrap(openai)).toBe(openai);
    expect(Reflect.get(openai, 'withOptions')).toBe(hook);
    const derived = openai.withOptions({ timeout: 1_000 });
    expect(guard.wrap(derived)).toBe(derived);
    const google = guard.wrap(new GoogleGenAI({ apiKey: 'test' }));
    expect(guard.wrap(google)).toBe(google);
    const mistral = guard.wrap(new Mistral({ apiKey: 'test' }));
    expect(guard.wrap(mistral)).toBe(mistral);
  });
});

describe('a Request beside an init that says nothing', () => {
  it('is the request that is sent', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    // A middleware between the client and its fetch may hand it over so.
    const fetch = Reflect.get(guard.wrap(w.openai()), 'fetch') as Fetch;
    const body = JSON.stringify({ model: 'gpt-4o', messages });
    const request = new Request(`${w.sim.baseURL('openai')}/chat/completions`, { method: 'POST', body });
    const unstated = { method: undefined, signal: undefined } as unknown as RequestInit;
    await fetch(request, unstated);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(spentNano(guard)).toBeGreaterThan(0);
    expect(reserved(guard)).toBe(0);
  });
});

describe('a redirect', () => {
  it('that is not followed costs nothing', async () => {
    const guard = new AgentKavach({ budget: [Budget.total(1), Budget.calls(10, 'total')] });
    const headers = { location: 'https://elsewhere.example/' };
    const fetch: Fetch = () => Promise.resolve(new Response(null, { status: 307, headers }));
    const openai = guard.wrap(new OpenAI({ apiKey: 'test', fetch, maxRetries: 0 }));
    await expect(openai.chat.completions.create({ model: 'gpt-4o', messages })).rejects.toMatchObject({ status: 307 });
    expect(guard.status().budgets).toMatchObject([
      { spent: 0, reserved: 0 },
      { spent: 1, reserved: 0 },
    ]);
  });
});

describe('a client whose data stays in a region', () => {
  it('is charged what that region costs', async () => {
    const usage = { input_tokens: 1_000, output_tokens: 1_000, total_tokens: 2_000 };
    const fetch: Fetch = () =>
      Promise.resolve(Response.json({ object: 'response', model: 'gpt-5.4', output: [], usage }));
    const spent = async (host: string) => {
      const guard = new AgentKavach({ budget: Budget.total(1) });
      const { responses } = guard.wrap(new OpenAI({ apiKey: 'test', fetch, baseURL: `https://${host}/v1` }));
      await responses.create({ model: 'gpt-5.4', input: 'Hi', max_output_tokens: 1_000 });
      return spentNano(guard);
    };
    expect(await spent('eu.api.openai.com')).toBe(Math.round((await spent('api.openai.com')) * 1.1));
  });
});
