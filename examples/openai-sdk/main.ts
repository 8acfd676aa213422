import OpenAI from 'openai';
import { AgentKavach, Budget } from '@agentkavach/core';

const guard = new AgentKavach({ budget: Budget.daily(5) });
const openai = guard.wrap(new OpenAI()); // also Anthropic, GoogleGenAI, Mistral: the same type back
const answer = await openai.chat.completions.create({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: 'Say hello in three languages.' }],
});
console.log(answer.choices[0]?.message.content, guard.status().budgets);
