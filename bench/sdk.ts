/** What `guard.wrap()` adds to an official SDK's own call, over the same client with the same answer and no guard. */
import OpenAI from 'openai';
import Anthropic from '@anthropic-ai/sdk';
import { AgentKavach, Budget } from '../packages/core/src/index.ts';
import { medians, type Figure, type Section } from './measure.ts';

const SMALL = 'What is the capital of France?';
const LARGE = 'The quick brown fox jumps over the lazy dog. '.repeat(2_300); // 103 KB

const OPENAI = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-2024-08-06',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Paris' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 20, completion_tokens: 1, total_tokens: 21 },
});
const ANTHROPIC = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-6',
  content: [{ type: 'text', text: 'Paris' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 20, output_tokens: 1 },
});

/** A `fetch` that answers at once. */
const answering = (body: string) => (): Promise<Response> =>
  Promise.resolve(new Response(body, { headers: { 'content-type': 'application/json' } }));

/** Figures of wrapped clients, each as the difference to the bare client in the same run. */
export async function sdkSection(): Promise<Section> {
  const guard = new AgentKavach({
    budget: [Budget.daily(1_000_000), Budget.monthly(5_000_000)],
    guardrails: { maxCallsPerRun: 1e9, maxRuntimeSeconds: 86_400 },
  });
  const openai = new OpenAI({ apiKey: 'test', fetch: answering(OPENAI) });
  const anthropic = new Anthropic({ apiKey: 'test', fetch: answering(ANTHROPIC) });
  const clients = {
    bare: { openai, anthropic },
    guarded: { openai: guard.wrap(openai), anthropic: guard.wrap(anthropic) },
  };
  const figures: Figure[] = [];
  for (const [size, content] of [
    ['a small prompt', SMALL],
    ['a prompt of 100 KB', LARGE],
  ] as const) {
    const messages = [{ role: 'user' as const, content }];
    const chat = (client: OpenAI) => () => client.chat.completions.create({ model: 'gpt-4o', messages });
    const message = (client: Anthropic) => () =>
      client.messages.create({ model: 'claude-sonnet-4-6', max_tokens: 500, messages });
    const p50 = await medians(
      {
        openai: chat(clients.bare.openai),
        openaiGuarded: chat(clients.guarded.openai),
        anthropic: message(clients.bare.anthropic),
        anthropicGuarded: message(clients.guarded.anthropic),
      },
      { batch: 20, rounds: 300 },
    );
    for (const [name, title] of [
      ['openai', 'OpenAI'],
      ['anthropic', 'Anthropic'],
    ] as const) {
      const bare = p50[name] ?? NaN;
      figures.push({ name: `baseline: ${title}'s SDK, ${size}`, value: bare, unit: 'µs' });
      figures.push({
        name: `guard.wrap() adds, ${title}, ${size}`,
        value: (p50[`${name}Guarded`] ?? NaN) - bare,
        unit: 'µs',
        target: 20,
      });
    }
  }
  await guard.close();
  return {
    title: 'Official SDKs (p50)',
    note: 'A fetch that answers at once from memory, two budgets, two guardrails. What is added is a whole call: reserve, cap, answer, usage, settle.',
    figures,
  };
}
