import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import OpenAI from 'openai';

export const guard = new AgentKavach({
  agentName: 'chat',
  budget: [Budget.daily(20), Budget.perUser(0.5, 'daily')],
  guardrails: { maxCallsPerRun: 10 },
});
const openai = guard.wrap(new OpenAI());

export const app = new Hono();
app.post('/chat', async (c) => {
  const { message } = await c.req.json<{ message: string }>();
  const messages = [{ role: 'user' as const, content: message }];
  return guard.run({ user: c.req.header('x-user') ?? 'anonymous' }, () =>
    streamSSE(c, async (stream) => {
      const client = new AbortController();
      stream.onAbort(() => client.abort());
      try {
        const request = { model: 'gpt-4o-mini', messages, stream: true as const };
        for await (const chunk of await openai.chat.completions.create(request, { signal: client.signal }))
          await stream.writeSSE({ data: chunk.choices[0]?.delta.content ?? '' });
      } catch (error) {
        await stream.writeSSE({ event: 'error', data: findKavachError(error)?.message ?? 'Something went wrong.' });
      }
    }),
  );
});
