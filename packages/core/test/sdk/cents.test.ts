/** Agent loops of the official clients on a budget of cents: the limit holds, and most of the money is used. */
import { beforeAll, describe, expect, it } from 'vitest';
import { AgentKavach, Budget, BudgetExceededError } from '../../src/index.ts';
import { byteBound } from '../../src/pricing/bound.ts';
import { sharpBound } from '../../src/pricing/sharpen.ts';
import { rejection, spentNano } from '../../src/testing/index.ts';
import { world, type World } from './world.ts';

const SYSTEM =
  'You are a support agent of a small shop. Be brief and polite. Look things up before you answer, never guess, and refund at most fifty dollars without asking a colleague.';
const ASKED = 'Hi, one of the mugs in my last order came broken. My number is C-20931. What can you do?';
const RESULT = '{"orderId":"A-1009","items":[{"sku":"mug-blue","qty":2,"price":14.25}],"carrier":"DHL"}';
const string = { type: 'string' };
const PARAMETERS = [
  { name: 'search_orders', description: 'Searches the orders of a customer.', properties: { customerId: string } },
  { name: 'get_order', description: 'Reads one order.', properties: { orderId: string } },
  {
    name: 'refund',
    description: 'Refunds an order, whole or in part.',
    properties: { orderId: string, amount: { type: 'number' }, reason: string },
  },
].map(({ properties, ...tool }) => ({ ...tool, parameters: { type: 'object', properties } }));

// A busy machine may take longer to load the tokenizer than a call would wait for it.
beforeAll(async () => {
  while ((await sharpBound(SYSTEM, 'openai', 'gpt-4o')) >= byteBound(SYSTEM, 'openai'));
}, 120_000);

/** Runs an agent until its guard refuses a step. */
type Loop = (w: World, guard: AgentKavach) => Promise<never>;

const chatLoop: Loop = async (w, guard) => {
  const openai = guard.wrap(w.openai({ maxRetries: 0 }));
  const messages: Parameters<typeof openai.chat.completions.create>[0]['messages'] = [
    { role: 'system', content: SYSTEM },
    { role: 'user', content: ASKED },
  ];
  const tools = PARAMETERS.map((tool) => ({ type: 'function' as const, function: tool }));
  for (;;) {
    const { choices } = await openai.chat.completions.create({ model: 'gpt-4o', messages, tools });
    const message = choices[0]!.message;
    messages.push(message);
    for (const { id } of message.tool_calls ?? []) messages.push({ role: 'tool', tool_call_id: id, content: RESULT });
  }
};

const claudeLoop: Loop = async (w, guard) => {
  const anthropic = guard.wrap(w.anthropic({ maxRetries: 0 }));
  const messages: Parameters<typeof anthropic.messages.create>[0]['messages'] = [{ role: 'user', content: ASKED }];
  const tools = PARAMETERS.map(({ parameters, ...tool }) => ({
    ...tool,
    input_schema: { ...parameters, type: 'object' as const },
  }));
  const model = 'claude-opus-5';
  for (;;) {
    const { content } = await anthropic.messages.create({ model, max_tokens: 128, system: SYSTEM, messages, tools });
    const results = content.flatMap((block) =>
      block.type === 'tool_use' ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: RESULT }] : [],
    );
    messages.push({ role: 'assistant', content }, { role: 'user', content: results });
  }
};

describe('an agent loop on five cents', () => {
  it.each<[string, Loop, number]>([
    ['OpenAI', chatLoop, 0.88],
    ['Anthropic', claudeLoop, 0.78],
  ])('uses most of them, and never more: %s', { timeout: 60_000 }, async (_, loop, share) => {
    await using w = await world(({ n }) => ({
      tokens: 30,
      toolCalls: [{ name: 'get_order', arguments: { orderId: `A-${1_000 + n}` } }],
    }));
    const guard = new AgentKavach({ budget: Budget.total(0.05), waitMs: 0 });
    expect(await rejection(loop(w, guard))).toBeInstanceOf(BudgetExceededError);
    const billed = w.sim.ledger.totalNano();
    expect(billed).toBe(spentNano(guard));
    expect(billed).toBeLessThanOrEqual(0.05e9);
    expect(billed).toBeGreaterThanOrEqual(share * 0.05e9);
  });
});
