import { GoogleGenAI } from '@google/genai';
import { AgentKavach, Budget, CallLimitError, findKavachError } from '@agentkavach/core';

const guard = new AgentKavach({ agentName: 'guide', budget: Budget.daily(5), guardrails: { maxCallsPerRun: 2 } });
const google = guard.wrap(new GoogleGenAI({}));

// Each message of a chat is a call, and so is each retry below it.
await guard.run({ user: 'u1' }, async () => {
  const chat = google.chats.create({ model: 'gemini-2.5-flash-lite' });
  try {
    const { text } = await chat.sendMessage({ message: 'Name a lighthouse.' });
    console.log(text);
    for await (const chunk of await chat.sendMessageStream({ message: 'Where is it?' }))
      process.stdout.write(chunk.text ?? '');
    await chat.sendMessage({ message: 'How old is it?' });
  } catch (error) {
    const refusal = findKavachError(error);
    if (!CallLimitError.isInstance(refusal)) throw error;
    console.log(`\n${refusal.code}: ${refusal.used} of ${refusal.limit} calls`);
  }
});
console.log(guard.status().budgets);
