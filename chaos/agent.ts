/** One agent process of a chaos run: it calls a provider under a shared budget until it is refused for good, or killed. */
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { random, type AgentPlan } from './plan.ts';

/** A process that the budget has stopped tries for so long whether that holds. */
const LINGER_MS = 500;

const plan = JSON.parse(process.env['CHAOS_PLAN'] ?? '{}') as AgentPlan;
const next = random(plan.seed);
const guard = new AgentKavach({
  agentName: plan.agentName,
  budget: Budget.shared(plan.pool, { limit: plan.limit, period: 'total' }),
  url: plan.url,
  apiKey: plan.apiKey,
  maxCallSeconds: plan.maxCallSeconds,
  waitMs: 1_500,
});
let isStopping = false;
process.once('SIGTERM', () => (isStopping = true));
// The budget stops the agent when nothing that could come back would make room: unless that turns out to be wrong, this is the end.
let refusedAt: number | undefined;
guard.on('kill', () => (refusedAt = Date.now()));
const isRefused = (): boolean => refusedAt !== undefined && Date.now() - refusedAt > LINGER_MS;
// Its parent is gone: nobody would end it.
process.stdin.resume().once('end', () => process.exit());

interface Answer {
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}

interface Chunk extends Answer {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
}

/** Whole lines, however the network cuts them. */
function lines(): TransformStream<string, string> {
  let rest = '';
  return new TransformStream({
    transform(text, controller) {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) controller.enqueue(part);
    },
  });
}

async function call(): Promise<void> {
  const words = 5 + Math.floor(next() * 200);
  const messages = [{ role: 'user', content: 'word '.repeat(words) }];
  const streams = next() < 0.4;
  const leaves = next() < 0.06 ? 10 + next() * 60 : undefined;
  const cap = next() < 0.8 ? { maxOutputTokens: 50 + Math.floor(next() * 400) } : {};
  const abort = new AbortController();
  if (leaves !== undefined) setTimeout(() => abort.abort(), leaves);
  const request = {
    provider: 'openai',
    model: 'gpt-4o',
    input: messages,
    canClampOutput: true,
    signal: abort.signal,
    ...cap,
  };
  const post = async (signal: AbortSignal, maxTokens: number | undefined, stream: boolean): Promise<Response> => {
    refusedAt = undefined; // a call was let in
    const body = {
      model: 'gpt-4o',
      messages,
      max_completion_tokens: maxTokens,
      ...(stream && { stream, stream_options: { include_usage: true } }),
    };
    const response = await fetch(`${plan.baseURL}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer none' },
      body: JSON.stringify(body),
      signal,
    });
    if (!response.ok) throw Object.assign(new Error(await response.text()), { status: response.status });
    return response;
  };
  if (!streams) {
    await guard.call(request, async ({ signal, maxOutputTokens }) => {
      const { usage } = (await (await post(signal, maxOutputTokens, false)).json()) as Answer;
      return { value: undefined, usage: { inputTokens: usage?.prompt_tokens, outputTokens: usage?.completion_tokens } };
    });
    return;
  }
  const stream = await guard.stream<string>(request, async ({ signal, maxOutputTokens }) => {
    const { body } = await post(signal, maxOutputTokens, true);
    if (body === null) throw new Error('no body');
    return {
      stream: body.pipeThrough(new TextDecoderStream()).pipeThrough(lines()),
      meter: (line, meter) => {
        if (!line.startsWith('data: {')) return;
        const { usage, choices } = JSON.parse(line.slice(6)) as Chunk;
        for (const { delta } of choices) meter.output(delta.content ?? '');
        if (usage != null) meter.usage({ inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens });
      },
    };
  });
  for await (const line of stream) if (line !== '' && next() < 0.01) break;
}

async function lane(): Promise<void> {
  while (!isStopping && !isRefused()) {
    try {
      await call();
    } catch (error) {
      const refused = findKavachError(error);
      if (refused?.code === 'KAVACH_BUDGET_EXCEEDED' || refused?.code === 'KAVACH_KILLED')
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

await Promise.all(Array.from({ length: plan.lanes }, lane));
await guard.close();
const { budgets, inFlight } = guard.status();
process.stdout.write(JSON.stringify({ reserved: budgets[0]?.reserved, inFlight, isRefused: isRefused() }));
process.stdin.destroy();
