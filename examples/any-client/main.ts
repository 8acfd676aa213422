import { AgentKavach, Budget } from '@agentkavach/core';

const guard = new AgentKavach({ agentName: 'summariser', budget: [Budget.daily(5), Budget.calls(200, 'hourly')] });
const baseURL = process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1';
const messages = [{ role: 'user', content: 'Say hello in three languages.' }];

const answer = await guard.call(
  { provider: 'openai', model: 'gpt-4o-mini', input: messages, canClampOutput: true },
  async ({ model, maxOutputTokens, signal }) => {
    const response = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${process.env['OPENAI_API_KEY']}` },
      body: JSON.stringify({ model, messages, max_completion_tokens: maxOutputTokens }),
      signal,
    });
    if (!response.ok) throw Object.assign(new Error(await response.text()), { status: response.status });
    const { choices, usage } = await response.json();
    return {
      value: choices[0].message.content,
      usage: { inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens },
    };
  },
);
console.log(answer, guard.status().budgets);
