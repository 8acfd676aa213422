import { GoogleGenerativeAIEmbeddings } from '@langchain/google-genai';
import { MistralAIEmbeddings } from '@langchain/mistralai';
import { OpenAIEmbeddings } from '@langchain/openai';
import { AgentKavach, Budget, BudgetExceededError, CallLimitError } from '@agentkavach/core';
import { rejection, reserved, spentNano } from '@agentkavach/core/testing';
import { describe, expect, it } from 'vitest';
import { guardEmbeddings } from '../src/index.ts';
import { root, world, type World } from './world.ts';

function embeddingsOf(w: World, fields: object = {}) {
  const shared = { apiKey: 'test', maxRetries: 0, ...fields };
  return {
    openai: new OpenAIEmbeddings({
      ...shared,
      model: 'text-embedding-3-small',
      configuration: { baseURL: w.sim.baseURL('openai') },
    }),
    mistral: new MistralAIEmbeddings({ ...shared, serverURL: root(w.sim.baseURL('mistral')) }),
    google: new GoogleGenerativeAIEmbeddings({
      ...shared,
      model: 'gemini-embedding-001',
      baseUrl: root(w.sim.baseURL('google')),
    }),
  };
}

describe('guarded embeddings', () => {
  it('cost what the provider bills, each batch a call', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const embeddings = guardEmbeddings(embeddingsOf(w, { batchSize: 2 }).openai, guard);
    expect(await embeddings.embedDocuments(['a', 'b', 'c', 'd', 'e'])).toHaveLength(5);
    expect(await embeddings.embedQuery('What is it?')).not.toHaveLength(0);
    expect(w.sim.ledger.requests).toBe(4);
    expect(guard.status().run.calls).toBe(4);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  });

  it('of Google, which reports nothing, cost their bound', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    await guardEmbeddings(embeddingsOf(w).google, guard).embedQuery('What is it?');
    expect(w.sim.ledger.requests).toBe(1);
    expect(spentNano(guard)).toBeGreaterThanOrEqual(w.sim.ledger.totalNano());
    expect(spentNano(guard)).toBeGreaterThan(0);
  });

  it.each(['openai', 'mistral', 'google'] as const)('are refused before anything is sent: %s', async (provider) => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(0.000_000_001) });
    const embeddings = guardEmbeddings(embeddingsOf(w)[provider], guard);
    expect(await rejection(embeddings.embedQuery('x'.repeat(1_000)))).toBeInstanceOf(BudgetExceededError);
    expect(await rejection(embeddings.embedDocuments(['x'.repeat(1_000)]))).toBeInstanceOf(BudgetExceededError);
    expect(w.sim.ledger.requests).toBe(0);
  });

  it('count each retry', async () => {
    await using w = await world(() => ({ error: { status: 500, retryAfter: 0 } }));
    const guard = new AgentKavach({ budget: Budget.total(1), guardrails: { maxCallsPerRun: 2 } });
    const embeddings = guardEmbeddings(embeddingsOf(w, { maxRetries: 5 }).openai, guard);
    expect(await rejection(embeddings.embedQuery('Hi'))).toBeInstanceOf(CallLimitError);
    expect(w.sim.ledger.requests).toBe(2);
    expect(spentNano(guard)).toBe(0);
  }, 20_000);

  it('keep their class, and refuse an object that is none', async () => {
    await using w = await world();
    const { openai } = embeddingsOf(w);
    expect(guardEmbeddings(openai, new AgentKavach({ budget: Budget.total(1) }))).toBeInstanceOf(OpenAIEmbeddings);
    expect(() => guardEmbeddings({} as never)).toThrow(/takes embeddings/);
  });
});
