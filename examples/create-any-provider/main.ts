import { AgentKavach, Budget } from '@agentkavach/core';

// The guard makes each SDK's client when it is first needed; install those that you ask. Mistral's has no variable for its address.
const guard = new AgentKavach({
  agentName: 'second-opinions',
  budget: Budget.daily(5),
  provider: 'mistral',
  baseURL: process.env['MISTRAL_SERVER_URL'],
});
const messages = [{ role: 'user' as const, content: 'Say hello in three languages.' }];

// Asks those whose key is in the environment, in one form; each answers in its own SDK's type.
if (process.env['OPENAI_API_KEY'] !== undefined) {
  const { choices } = await guard.create({ provider: 'openai', model: 'gpt-4o-mini', messages });
  console.log('OpenAI:', choices[0]?.message.content);
}
if (process.env['ANTHROPIC_API_KEY'] !== undefined) {
  const { content } = await guard.create({ provider: 'anthropic', model: 'claude-haiku-4-5', messages });
  console.log('Anthropic:', content);
}
if (process.env['GEMINI_API_KEY'] !== undefined) {
  const { text } = await guard.create({ provider: 'google', model: 'gemini-2.5-flash-lite', messages });
  console.log('Google:', text);
}
if (process.env['MISTRAL_API_KEY'] !== undefined) {
  process.stdout.write('Mistral: ');
  for await (const { data } of await guard.create({ model: 'mistral-small-latest', messages, stream: true }))
    process.stdout.write(String(data.choices[0]?.delta.content ?? ''));
}
console.log(guard.status().budgets);
