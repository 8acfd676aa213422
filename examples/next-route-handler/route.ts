// app/api/chat/route.ts of a Next.js app.
import { openai } from '@ai-sdk/openai';
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { kavach } from '@agentkavach/vercel-ai';
import {
  convertToModelMessages,
  createUIMessageStreamResponse,
  streamText,
  toUIMessageStream,
  wrapLanguageModel,
  type UIMessage,
} from 'ai';

export const guard = new AgentKavach({
  agentName: 'chat',
  budget: [Budget.daily(20), Budget.perUser(0.5, 'daily')],
  guardrails: { maxCallsPerRun: 10 },
});
const model = wrapLanguageModel({ model: openai('gpt-4o-mini'), middleware: kavach(guard) });

export async function POST(request: Request): Promise<Response> {
  const { messages } = (await request.json()) as { messages: UIMessage[] };
  const prompt = await convertToModelMessages(messages);
  // Take the user from your session; each has a budget, and each request is a run.
  return guard.run({ user: request.headers.get('x-user') ?? 'anonymous' }, () => {
    const { stream } = streamText({ model, messages: prompt, abortSignal: request.signal });
    const onError = (error: unknown) => findKavachError(error)?.message ?? 'Something went wrong.';
    return createUIMessageStreamResponse({ stream: toUIMessageStream({ stream, onError }) });
  });
}
