import { describe, expect, it } from 'vitest';
import { AgentKavach, Budget, BudgetExceededError } from '../../src/index.ts';
import { rejection, reserved, spentNano } from '../../src/testing/index.ts';
import { world } from './world.ts';

const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];

describe('a wrapped OpenAI client', () => {
  it('charges a chat completion what the provider bills', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const openai = guard.wrap(w.openai());
    const answer = await openai.chat.completions.create({ model: 'gpt-4o', messages });
    expect(answer.choices[0]?.message.content).toContain('simulator');
    expect(w.sim.ledger.requests).toBe(1);
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(spentNano(guard)).toBeGreaterThan(0);
    expect(reserved(guard)).toBe(0);
  });

  it('charges a stream what the provider bills, and hides the usage that the caller did not ask for', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(1) });
    const openai = guard.wrap(w.openai());
    let text = '';
    for await (const chunk of await openai.chat.completions.create({ model: 'gpt-4o', messages, stream: true })) {
      expect(chunk.choices).toHaveLength(1);
      text += chunk.choices[0]?.delta.content ?? '';
    }
    expect(text).toContain('simulator');
    expect(spentNano(guard)).toBe(w.sim.ledger.totalNano());
    expect(spentNano(guard)).toBeGreaterThan(0);
  });

  it('refuses with the guard’s own error, sends nothing, and lets the SDK not try again', async () => {
    await using w = await world();
    const guard = new AgentKavach({ budget: Budget.total(0.000001) });
    const denied: unknown[] = [];
    guard.on('denied', (event) => denied.push(event));
    const openai = guard.wrap(w.openai({ maxRetries: 5 }));
    const error = await rejection(openai.chat.completions.create({ model: 'gpt-4o', messages }));
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(w.sim.ledger.requests).toBe(0);
    expect(denied).toHaveLength(1);
  });
});
