import { InMemoryCache } from '@langchain/core/caches';
import { RunnableLambda } from '@langchain/core/runnables';
import {
  AgentKavach,
  Budget,
  BudgetExceededError,
  CallLimitError,
  findKavachError,
  KilledError,
} from '@agentkavach/core';
import { rejection, reserved, spends, spentNano } from '@agentkavach/core/testing';
import { OpenAI } from '@langchain/openai';
import { initChatModel } from 'langchain';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { guardChatModel } from '../src/index.ts';
import { chatModel, drain, PROVIDERS, WAYS, world } from './world.ts';

describe.each(PROVIDERS)('a guarded model of %s', (provider) => {
  it.each(Object.keys(WAYS))('costs what the provider bills: %s', async (way) => {
    await using w = await world(() => ({ tokens: 40, reasoningTokens: provider === 'google' ? 30 : 0 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    await WAYS[way]?.(guardChatModel(chatModel(w, provider), guard));
    expect(w.sim.ledger.requests).toBeGreaterThan(0);
    expect(guard.status().run.calls).toBe(w.sim.ledger.requests);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  });

  it.each(Object.keys(WAYS))('sends nothing when it is refused: %s', async (way) => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(0.000_000_1) });
    const error = await rejection(WAYS[way]?.(guardChatModel(chatModel(w, provider), guard)));
    expect(findKavachError(error)).toBeInstanceOf(BudgetExceededError);
    expect(w.sim.ledger.requests).toBe(0);
  });

  it.each(['invoke', 'stream', 'streamEvents v3'])(
    'lowers the output cap to what the budget has room for: %s',
    async (way) => {
      await using w = await world(() => ({ tokens: 100_000 }));
      const guard = new AgentKavach({ budget: Budget.total(0.01), outputShare: 1 });
      await WAYS[way]?.(guardChatModel(chatModel(w, provider), guard));
      expect(w.sim.ledger.entries[0]?.usage.outputTokens).toBeLessThan(30_000);
      expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
      expect(w.sim.ledger.totalNano()).toBeLessThanOrEqual(10_000_000);
      expect(w.sim.ledger.totalNano()).toBeGreaterThan(9_000_000);
    },
  );

  it('is stopped in flight by a kill, with the reason', async () => {
    await using w = await world(() => ({ hang: true }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const model = guardChatModel(chatModel(w, provider), guard);
    const next = w.sim.nextRequest();
    const error = rejection(model.invoke('Hi'));
    const { entry } = await next;
    guard.kill();
    expect(await error).toBeInstanceOf(KilledError);
    expect((await entry.done).outcome).not.toBe('completed');
    expect(reserved(guard)).toBe(0);
  });

  it('charges whole a stream that closes in order before its last word', async () => {
    await using w = await world(() => ({ tokens: 400 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const { all } = spends(guard);
    const send = globalThis.fetch;
    const cutting = vi.spyOn(globalThis, 'fetch').mockImplementation(async (...request) => {
      const answer = await send(...request);
      const text = await answer.text();
      return new Response(text.slice(0, text.length / 2), answer);
    });
    const model = guardChatModel(chatModel(w, provider, { maxTokens: 1_000, maxOutputTokens: 1_000 }), guard);
    await drain(await model.stream('Hi')).catch(() => undefined); // some of the clients notice
    cutting.mockRestore();
    expect(all).toMatchObject([{ outcome: 'unknown', outputTokens: 1_000 }]);
    expect(reserved(guard)).toBe(0);
  });

  it('settles a stream that is killed, and one that its reader leaves', async () => {
    await using w = await world(() => ({ tokens: 400, hold: new Promise(() => undefined), holdAfterChunks: 20 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const { all } = spends(guard);
    const model = guardChatModel(chatModel(w, provider), guard);
    for await (const chunk of await model.stream('Hi')) if (chunk.text !== '') break;
    await w.sim.ledger.entries[0]?.done;
    expect(reserved(guard)).toBe(0);
    const killed = rejection(
      (async () => {
        for await (const chunk of await model.stream('Hi')) if (chunk.text !== '') guard.kill();
      })(),
    );
    expect(await killed).toBeInstanceOf(KilledError);
    await w.sim.ledger.entries[1]?.done;
    await guard.flush();
    expect(reserved(guard)).toBe(0);
    expect(all.map(({ outcome }) => outcome)).toEqual(['cancelled', 'cancelled']);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
  });

  it('switches to the model that onThreshold names', async () => {
    const cheaper = {
      openai: 'gpt-4o-mini',
      anthropic: 'claude-haiku-4-5',
      google: 'gemini-2.5-flash-lite',
      mistral: 'mistral-small-latest',
    }[provider];
    await using w = await world(() => ({ tokens: 20 }));
    const guard = new AgentKavach({ budget: Budget.total(10), onThreshold: { 0.1: { model: cheaper } } });
    guard.charge(2, 'before');
    const model = guardChatModel(chatModel(w, provider), guard);
    await model.invoke('Hi');
    await drain(model.stream('Hi'));
    expect(w.sim.ledger.entries.map((entry) => entry.requestedModel)).toEqual([cheaper, cheaper]);
    expect(spentNano(guard)).toBe(2e9 + w.sim.ledger.totalNano());
  });

  it('stays guarded with tools, a bound config, structured output, retries and fallbacks', async () => {
    await using w = await world(({ toolNames }) =>
      toolNames.length > 0
        ? { toolCalls: [{ name: toolNames[0] ?? '', arguments: { word: 'x' } }] }
        : { text: '{"word":"x"}' },
    );
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const model = guardChatModel(chatModel(w, provider), guard);
    const schema = z.object({ word: z.string() });
    const tool = {
      type: 'function',
      function: { name: 'look', description: 'looks', parameters: z.toJSONSchema(schema) },
    };
    const derived = [
      model.bindTools?.([tool]),
      model.withConfig({ tags: ['x'] }),
      model.withConfig({ tags: ['x'] }).withConfig({ tags: ['y'] }),
      model.withStructuredOutput(schema),
      model.withStructuredOutput(schema, { includeRaw: true }),
      model.withRetry({ stopAfterAttempt: 2 }),
      model.withFallbacks({ fallbacks: [model] }),
      RunnableLambda.from((text: string) => text).pipe(model),
    ];
    for (const runnable of derived) await runnable?.invoke('Hi');
    expect(w.sim.ledger.requests).toBe(derived.length);
    expect(guard.status().run.calls).toBe(derived.length);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    guard.kill('cost');
    for (const runnable of derived) {
      expect(findKavachError(await rejection(runnable?.invoke('Hi')))).toBeInstanceOf(KilledError);
    }
    expect(w.sim.ledger.requests).toBe(derived.length);
  });
});

describe('retries of a guarded model', () => {
  it.each(PROVIDERS)(
    'are calls of their own: %s',
    async (provider) => {
      const retried = async (way: string): Promise<void> => {
        await using w = await world(({ n }) =>
          n % 2 === 0 ? { tokens: 30 } : { error: { status: 500, retryAfter: 0 } },
        );
        const guard = new AgentKavach({ budget: Budget.total(1), guardrails: { maxCallsPerRun: 3 } });
        const model = guardChatModel(chatModel(w, provider, { maxRetries: 3 }), guard);
        await WAYS[way]?.(model);
        expect(guard.status().run.calls).toBe(2);
        const error = await rejection(WAYS[way]?.(model));
        expect(findKavachError(error)).toBeInstanceOf(CallLimitError);
        expect(w.sim.ledger.requests).toBe(3);
        expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
        expect(reserved(guard)).toBe(0);
      };
      await Promise.all(['invoke', 'stream', 'streamEvents v3'].map(retried));
    },
    20_000,
  );
});

describe('a guarded model', () => {
  it('is charged once under the same guard twice, and in each of two guards', async () => {
    await using w = await world(() => ({ tokens: 30 }));
    const inner = new AgentKavach({ agentName: 'inner', budget: Budget.total(1) });
    const outer = new AgentKavach({ agentName: 'outer', budget: Budget.total(1) });
    const model = guardChatModel(guardChatModel(guardChatModel(w.openai(), inner), inner), outer);
    await model.invoke('Hi');
    await drain(model.stream('Hi'));
    await drain(model.streamEvents('Hi'));
    expect(w.sim.ledger.requests).toBe(3);
    for (const guard of [inner, outer]) {
      expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
      expect(guard.status().run.calls).toBe(3);
      expect(reserved(guard)).toBe(0);
    }
  });

  it('is refused by either of two guards', async () => {
    await using w = await world();
    const rich = new AgentKavach({ agentName: 'rich', budget: Budget.total(1) });
    const poor = new AgentKavach({ agentName: 'poor', budget: Budget.total(0.000_000_1) });
    for (const model of [
      guardChatModel(guardChatModel(w.openai(), rich), poor),
      guardChatModel(guardChatModel(w.openai(), poor), rich),
    ]) {
      expect(await rejection(model.invoke('Hi'))).toBeInstanceOf(BudgetExceededError);
      expect(await rejection(drain(model.stream('Hi')))).toBeInstanceOf(BudgetExceededError);
    }
    expect(w.sim.ledger.requests).toBe(0);
    expect(reserved(rich)).toBe(0);
  });

  it('pays nothing for an answer from the cache', async () => {
    await using w = await world(() => ({ tokens: 30 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const model = guardChatModel(w.openai({ cache: new InMemoryCache() }), guard);
    await model.invoke('Hi');
    await model.invoke('Hi');
    expect(w.sim.ledger.requests).toBe(1);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('keeps its class, its own members and its client', async () => {
    await using w = await world(() => ({ tokens: 5 }));
    const plain = w.anthropic();
    const model = guardChatModel(plain, new AgentKavach({ budget: Budget.total(1) }));
    await model.invoke('Hi');
    const client: unknown = Reflect.get(plain, 'batchClient');
    await model.invoke('Hi');
    expect(model).toBeInstanceOf(plain.constructor);
    expect(model.modelName).toBe(plain.modelName);
    expect(client).toBeDefined();
    expect(Reflect.get(plain, 'batchClient')).toBe(client);
    expect(plain.maxTokens).toBe(16_384);
  });

  it('of initChatModel is guarded in every model that it chooses', async () => {
    await using w = await world(() => ({ text: '{"word":"x"}' }));
    const guard = new AgentKavach({ budget: Budget.calls(5, 'daily') });
    const chosen = await initChatModel('openai:gpt-4o', {
      apiKey: 'test',
      maxRetries: 0,
      configuration: { baseURL: w.sim.baseURL('openai') },
      configurableFields: ['model'],
    });
    const model = guardChatModel(chosen, guard);
    const schema = z.object({ word: z.string() });
    await model.invoke('Hi', { configurable: { model: 'gpt-4o-mini' } });
    await drain(model.stream('Hi'));
    await drain(model.streamEvents('Hi'));
    await model.bindTools([]).invoke('Hi');
    await model.withStructuredOutput(schema, { includeRaw: true }).invoke('Hi');
    expect(guard.status().run.calls).toBe(5);
    for (const send of [
      () => model.invoke('Hi'),
      () => model.withStructuredOutput(schema).invoke('Hi'),
      () => model.withConfig({ tags: ['x'] }).invoke('Hi'),
      () => drain(model.streamEvents('Hi')),
    ]) {
      expect(findKavachError(await rejection(send()))).toBeInstanceOf(BudgetExceededError);
    }
    expect(w.sim.ledger.requests).toBe(5);
  });

  it('charges Anthropic’s cache writes and OpenAI’s tier by what the provider says', async () => {
    await using w = await world(() => ({
      tokens: 30,
      usage: { inputTokens: 5_000, cacheRead: 1_000, cacheWrite: 1_000, cacheWrite1h: 2_000 },
    }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const claude = guardChatModel(w.anthropic(), guard);
    const mark = { type: 'ephemeral' as const, ttl: '1h' as const };
    const prompt = [
      { role: 'user' as const, content: [{ type: 'text' as const, text: 'x'.repeat(30_000), cache_control: mark }] },
    ];
    await claude.invoke(prompt);
    await drain(claude.stream(prompt));
    await drain(claude.streamEvents(prompt));
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  });

  it('settles a stream that nobody reads, and disconnects the provider', async () => {
    await using w = await world(() => ({ tokens: 400, hold: new Promise(() => undefined), holdAfterChunks: 10 }));
    const guard = new AgentKavach({ budget: Budget.total(1), idleMs: 50 });
    const settled = spends(guard).next();
    const stream = await guardChatModel(w.openai(), guard).stream('Hi');
    expect(stream.locked).toBe(false);
    expect(await settled).toMatchObject({ outcome: 'unknown', estimated: true });
    expect((await w.sim.ledger.entries[0]?.done)?.outcome).not.toBe('completed');
    expect(reserved(guard)).toBe(0);
  });

  it('hands a user’s abort on, and charges the stream by what was seen', async () => {
    await using w = await world(() => ({ tokens: 400, hold: new Promise(() => undefined), holdAfterChunks: 10 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const events = spends(guard);
    const model = guardChatModel(w.openai(), guard);
    const controller = new AbortController();
    const left = rejection(
      (async () => {
        for await (const chunk of await model.stream('Hi', { signal: controller.signal }))
          if (chunk.text !== '') controller.abort();
      })(),
    );
    expect(await left).toMatchObject({ name: 'AbortError' });
    await w.sim.ledger.entries[0]?.done;
    expect(events.all).toMatchObject([{ outcome: 'cancelled', estimated: true }]);
  });

  it('refuses an object that is none', () => {
    expect(() => guardChatModel({} as never)).toThrow(/takes a chat model/);
  });

  it('refuses a model that completes texts, whose methods have the same names', () => {
    const completes = new OpenAI({ apiKey: 'test', model: 'gpt-3.5-turbo-instruct' });
    expect(() => guardChatModel(completes as never)).toThrow(/takes a chat model/);
  });
});
