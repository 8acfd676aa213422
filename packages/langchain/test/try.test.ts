import { AgentKavach, Budget } from '@agentkavach/core';
import { expect, it, describe } from 'vitest';
import { guardChatModel } from '../src/index.ts';
import { spentNano, reserved, spends, world } from './world.ts';

describe.each(['openai', 'anthropic', 'google', 'mistral'] as const)('%s', (p) => {
  it('all ways', async () => {
    await using w = await world(() => ({ tokens: 40, reasoningTokens: 0 }));
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const s = spends(guard);
    const m = guardChatModel(w[p]() as any, guard);
    await m.invoke('Hi there');
    console.log(p, 'invoke', spentNano(guard), w.sim.ledger.totalNano(), w.sim.ledger.requests);
    for await (const c of await m.stream('Hi there')) void c;
    await w.sim.ledger.settled();
    console.log(p, 'stream', spentNano(guard), w.sim.ledger.totalNano(), w.sim.ledger.requests);
    for await (const c of m.streamEvents('Hi there')) void c;
    console.log(p, 'events3', spentNano(guard), w.sim.ledger.totalNano(), w.sim.ledger.requests);
    for await (const c of m.streamEvents('Hi there', { version: 'v2' })) void c;
    console.log(p, 'events2', spentNano(guard), w.sim.ledger.totalNano(), w.sim.ledger.requests);
    await m.batch(['a', 'b']);
    console.log(p, 'batch', spentNano(guard), w.sim.ledger.totalNano(), w.sim.ledger.requests);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(reserved(guard)).toBe(0);
  });
});
