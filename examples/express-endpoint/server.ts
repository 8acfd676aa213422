import { openai } from '@ai-sdk/openai';
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { kavach } from '@agentkavach/vercel-ai';
import {
  convertToModelMessages,
  pipeUIMessageStreamToResponse,
  streamText,
  toUIMessageStream,
  wrapLanguageModel,
  type UIMessage,
} from 'ai';
import express from 'express';

export const guard = new AgentKavach({
  agentName: 'chat',
  budget: [Budget.daily(20), Budget.perUser(0.5, 'daily')],
  guardrails: { maxCallsPerRun: 10 },
});
const model = wrapLanguageModel({ model: openai('gpt-4o-mini'), middleware: kavach(guard) });

export const app = express();
app.use(express.json());
app.post('/chat', async (request, response) => {
  // Express has no signal for a client that goes away: the response closes.
  const client = new AbortController();
  response.on('close', () => client.abort());

  const { messages } = request.body as { messages: UIMessage[] };
  const prompt = await convertToModelMessages(messages);
  await guard.run({ user: request.get('x-user') ?? 'anonymous' }, () => {
    const { stream } = streamText({ model, messages: prompt, abortSignal: client.signal });
    const onError = (error: unknown) => findKavachError(error)?.message ?? 'Something went wrong.';
    return pipeUIMessageStreamToResponse({ response, stream: toUIMessageStream({ stream, onError }) });
  });
});
