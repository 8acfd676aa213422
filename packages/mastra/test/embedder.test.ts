import { InMemoryStore } from '@mastra/core/storage';
import { MastraVector } from '@mastra/core/vector';
import { AgentKavach, Budget } from '@agentkavach/core';
import { rejection, spentNano } from '@agentkavach/core/testing';
import { Memory } from '@mastra/memory';
import { expect, it } from 'vitest';
import { kavach } from '../src/index.ts';
import { agent, mastraWith, world } from './world.ts';

/** A vector store that finds nothing. */
class NoVectors extends MastraVector {
  constructor() {
    super({ id: 'none' });
  }
  query = () => Promise.resolve([]);
  upsert = () => Promise.resolve([]);
  createIndex = () => Promise.resolve();
  listIndexes = () => Promise.resolve([]);
  describeIndex = () => Promise.resolve({ dimension: 1536, count: 0 });
  deleteIndex = () => Promise.resolve();
  updateVector = () => Promise.resolve();
  deleteVector = () => Promise.resolve();
  deleteVectors = () => Promise.resolve();
}

it('charges the embeddings of a memory, and refuses them', async () => {
  await using w = await world(() => ({ tokens: 20 }));
  const memory = new Memory({
    embedder: w.embedder(),
    vector: new NoVectors(),
    options: { semanticRecall: true },
  });
  const guard = new AgentKavach({ budget: Budget.total(1) });
  const mastra = kavach(guard).register(
    mastraWith({ storage: new InMemoryStore(), agents: { a: agent(w.model(), { memory }) } }),
  );
  const ask = () => mastra.getAgent('a').generate('Hi', { memory: { thread: 't', resource: 'r' } });
  await ask();
  await w.sim.ledger.settled();
  const { requests } = w.sim.ledger;
  expect(requests).toBeGreaterThan(1);
  expect(guard.status().run.calls).toBe(requests);
  expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
  guard.kill();
  await rejection(ask());
  expect(w.sim.ledger.requests).toBe(requests);
});
