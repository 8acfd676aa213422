/** What `kavach()` adds to the AI SDK's own call, over a middleware that does nothing. */
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { wrapLanguageModel, type LanguageModelMiddleware } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { AgentKavach, Budget } from '../packages/core/src/index.ts';
import { kavach } from '../packages/vercel-ai/src/index.ts';
import { median, medians, type Section } from './measure.ts';

const CHUNKS = 1_000;
const USAGE = {
  inputTokens: { total: 20, noCache: 20, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
const FINISH: LanguageModelV4StreamPart = {
  type: 'finish',
  usage: USAGE,
  finishReason: { unified: 'stop', raw: 'stop' },
};
const DELTA: LanguageModelV4StreamPart = { type: 'text-delta', id: '1', delta: 'hello ' };
const PROMPT = [
  { role: 'user' as const, content: [{ type: 'text' as const, text: 'What is the capital of France?' }] },
];

const noop: LanguageModelMiddleware = {
  specificationVersion: 'v4',
  wrapGenerate: ({ model, params }) => model.doGenerate(params),
  wrapStream: ({ model, params }) => model.doStream(params),
};
const noopTransform: LanguageModelMiddleware = {
  specificationVersion: 'v4',
  wrapStream: async ({ model, params }) => {
    const result = await model.doStream(params);
    return { ...result, stream: result.stream.pipeThrough(new TransformStream()) };
  },
};

/** Everything on: several budgets, all guardrails, a listener. */
function everything(): AgentKavach {
  const guard = new AgentKavach({
    budget: [Budget.daily(1_000), Budget.monthly(5_000), Budget.tokens(1e14, 'daily')],
    guardrails: {
      maxCallsPerRun: 1e9,
      maxTokensPerRun: 1e14,
      maxRuntimeSeconds: 86_400,
      maxToolCallsPerRun: 1e9,
      maxUsdPerMinute: 1e6,
    },
  });
  guard.on('spend', () => undefined);
  return guard;
}

/** Middleware figures, each as the difference to a no-op in the same run. */
export async function middlewareSection(): Promise<Section> {
  const guard = everything();
  const bare = wrapLanguageModel({ model: mock(), middleware: noop });
  const guarded = wrapLanguageModel({ model: mock(), middleware: kavach(guard) });
  const p50 = await medians({
    bare: () => bare.doGenerate({ prompt: PROMPT }),
    guarded: () => guarded.doGenerate({ prompt: PROMPT }),
  });
  const transformed = wrapLanguageModel({ model: mock(), middleware: noopTransform });
  const chunk = await perChunk({ bare, transformed, guarded });
  await guard.close();
  const added = (name: string): number => (chunk[name] ?? NaN) - (chunk['bare'] ?? NaN);
  return {
    title: 'Vercel AI SDK middleware (p50)',
    note: `Three budgets, all guardrails and a listener. Streams of ${CHUNKS} chunks; a chunk's figure is the stream's time over its chunks.`,
    figures: [
      { name: 'baseline: generate through a no-op middleware', value: p50['bare'] ?? NaN, unit: 'µs' },
      {
        name: 'kavach() adds per generate',
        value: (p50['guarded'] ?? NaN) - (p50['bare'] ?? NaN),
        unit: 'µs',
        target: 8,
      },
      { name: 'baseline: a chunk through a no-op middleware', value: chunk['bare'] ?? NaN, unit: 'µs' },
      { name: 'baseline: a no-op TransformStream adds per chunk', value: added('transformed'), unit: 'µs' },
      { name: 'kavach() adds per chunk', value: added('guarded'), unit: 'µs', target: 0.8 },
    ],
  };
}

async function perChunk(models: Record<string, LanguageModelV4>): Promise<Record<string, number>> {
  const samples = new Map<string, number[]>();
  for (let round = 0; round < 150; round++) {
    for (const [name, model] of Object.entries(models)) {
      const { stream } = await model.doStream({ prompt: PROMPT });
      const reader = stream.getReader();
      const start = performance.now();
      while (!(await reader.read()).done);
      const micros = ((performance.now() - start) / CHUNKS) * 1000;
      if (round >= 30) samples.set(name, [...(samples.get(name) ?? []), micros]);
    }
  }
  return Object.fromEntries([...samples].map(([name, values]) => [name, median(values)]));
}

function mock(): LanguageModelV4 {
  const answer = {
    content: [{ type: 'text' as const, text: 'Paris' }],
    finishReason: { unified: 'stop' as const, raw: 'stop' },
    usage: USAGE,
    warnings: [],
  };
  const model = new MockLanguageModelV4({ provider: 'openai.responses', modelId: 'gpt-4o' });
  // The mock records every call; a benchmark must not measure that.
  model.doGenerate = () => Promise.resolve(answer);
  model.doStream = () => Promise.resolve({ stream: chunks() });
  return model;
}

function chunks(): ReadableStream<LanguageModelV4StreamPart> {
  let sent = 0;
  return new ReadableStream(
    {
      pull(controller) {
        sent += 1;
        controller.enqueue(sent < CHUNKS ? DELTA : FINISH);
        if (sent === CHUNKS) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
