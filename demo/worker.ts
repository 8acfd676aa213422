/** One of the demo's three processes: an agent that writes report after report on a budget which it shares with the others. */
import { createOpenAI } from '@ai-sdk/openai';
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import { kavach } from '@agentkavach/vercel-ai';
import { streamText, wrapLanguageModel } from 'ai';

/** What a worker tells the demo, one line of JSON each. */
export type Told =
  | { readonly type: 'ready' }
  | { readonly type: 'call'; readonly usd: number; readonly estimated: boolean }
  /** Calls in flight ended `ms` after nothing but the kill could have ended them: the clock of the machine. */
  | { readonly type: 'aborted'; readonly inFlight: number; readonly at: number }
  | { readonly type: 'stopped'; readonly code: string };

/** Reports that it writes at the same time. */
const LANES = 2;

const { DEMO_BASE_URL: baseURL = '', DEMO_LIMIT: limit = '0' } = process.env;
const tell = (told: Told): void => void process.stdout.write(`${JSON.stringify(told)}\n`);

// The name, the backend's url and the key come from AGENTKAVACH_* variables.
const guard = new AgentKavach({ budget: Budget.shared('team', { limit: Number(limit), period: 'daily' }) });
guard.on('spend', ({ usd, estimated }) => tell({ type: 'call', usd, estimated }));
const openai = createOpenAI({ baseURL, apiKey: 'simulated' });
const model = wrapLanguageModel({ model: openai.chat('gpt-4o'), middleware: kavach(guard) });

let open = 0;
guard.on('kill', ({ reason }) => {
  if (reason === 'manual') tell({ type: 'aborted', inFlight: open, at: Date.now() });
});

async function write(lane: number): Promise<string> {
  for (let n = 1; ; n++) {
    open += 1;
    try {
      const prompt = `Report ${n} of lane ${lane}: what did the agents do today?`;
      const { stream } = streamText({
        model,
        prompt,
        maxOutputTokens: 400,
        maxRetries: 0,
        onError: () => undefined,
      });
      for await (const part of stream) if (part.type === 'error') throw part.error;
    } catch (error) {
      const refused = findKavachError(error);
      if (refused !== undefined) return refused.code;
      throw error;
    } finally {
      open -= 1;
    }
  }
}

tell({ type: 'ready' });
const [code = ''] = await Promise.all(Array.from({ length: LANES }, (_, lane) => write(lane)));
tell({ type: 'stopped', code });
await guard.close();
