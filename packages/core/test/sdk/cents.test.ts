/** Agent loops of the official clients on a budget of cents: the limit holds, and most of the money is used. */
import { beforeAll, describe, expect, it } from 'vitest';
import type OpenAI from 'openai';
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

/** Sends what it got by its id alone: OpenAI keeps it. */
const referringLoop: Loop = async (w, guard) => {
  const openai = guard.wrap(w.openai({ maxRetries: 0 }));
  const input: OpenAI.Responses.ResponseInputItem[] = [
    { role: 'system', content: SYSTEM },
    { role: 'user', content: ASKED },
  ];
  const tools = PARAMETERS.map((tool) => ({ type: 'function' as const, strict: false, ...tool }));
  for (;;) {
    const { output } = await openai.responses.create({ model: 'gpt-5-mini', input, tools, max_output_tokens: 500 });
    for (const { id = '' } of output) input.push({ type: 'item_reference', id });
    for (const item of output)
      if (item.type === 'function_call')
        input.push({ type: 'function_call_output', call_id: item.call_id, output: RESULT });
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
  it('goes on with items that OpenAI keeps, and bills again with every step', { timeout: 60_000 }, async () => {
    await using w = await world((request) => {
      const references = JSON.stringify(request.body).match(/"item_reference"/g)?.length ?? 0;
      return {
        reasoningTokens: 300,
        tokens: 30,
        toolCalls: [{ name: 'get_order', arguments: { orderId: `A-${1_000 + request.n}` } }],
        // A reasoning, a message and a call to each step.
        usage: { inputTokens: request.inputTokens + Math.ceil(references / 3) * 345 },
      };
    });
    const guard = new AgentKavach({ budget: Budget.total(0.05), waitMs: 0, minOutputTokens: 500 });
    expect(await rejection(referringLoop(w, guard))).toBeInstanceOf(BudgetExceededError);
    const billed = w.sim.ledger.totalNano();
    expect(billed).toBe(spentNano(guard));
    expect(billed).toBeLessThanOrEqual(0.05e9);
    expect(billed).toBeGreaterThanOrEqual(0.6 * 0.05e9); // each item is held as all the output of its step
  });
});
