import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFixture, type Fixture } from './testing/fixture.ts';
import { AgentCalls, budget, callEvent, DOLLAR } from './testing/wire.ts';

const folder = fileURLToPath(new URL('../../snippets/', import.meta.url));
const snippets = readdirSync(folder).filter((name) => name.endsWith('.sql'));
let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
  const agent = new AgentCalls(fixture);
  const pool = budget({ id: 'pool', scope: 'shared', name: 'pool', period: 'total' });
  const { budgets } = await agent.connect('research-bot', [budget(), pool]);
  await agent.ingest(
    [callEvent({ agent: 'research-bot', nano: 8 * DOLLAR })],
    [{ index: 1, id: 'x', reason: 'invalid', detail: 'x', payload: {} }],
  );
  await agent.lease('research-bot', { budgetId: budgets[1]!.budgetId, want: DOLLAR });
  await fixture.pool`select kavach.kill_agent(${fixture.org}, 'research-bot')`;
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('the snippets for Studio', () => {
  it.each(snippets)('%s runs as postgres and shows something', async (name) => {
    const text = readFileSync(`${folder}${name}`, 'utf8');
    expect(text).toMatch(/^-- [A-Z]/);
    expect(await fixture.pool.unsafe(text)).not.toHaveLength(0);
  });
});
