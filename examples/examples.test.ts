/** Every example runs offline against the simulator, and the README shows the very files that run. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startSimulator, type Script, type Simulator } from '@agentkavach/simulator';
import { describe, expect, it, vi } from 'vitest';

// Each example is a process of its own.
vi.setConfig({ maxConcurrency: 2, testTimeout: 60_000 });

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const examples = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Examples that leave an answer in the middle. The provider's bill for it can't be known, so what is charged is an upper bound. */
const LEAVE = new Set([
  'anthropic-sdk',
  'express-endpoint',
  'hono-endpoint',
  'langchain-kill',
  'langchain-streaming',
  'mastra-streaming',
  'next-route-handler',
  'vercel-ai-kill',
  'vercel-ai-streaming',
]);

/** What examples charge besides, in nano-dollars. */
const TOOL_COSTS: Readonly<Record<string, number>> = { 'vercel-ai-agent': 3 * 1_000_000 };

const TOPICS = ['Tides', 'Lighthouses', 'Whales'];
const CITIES = ['Paris', 'Rome', 'Oslo'];

/** A model that writes novels without end, compares capitals for ever, and else asks for its tool three times. */
function model(): Script {
  let asked = 0;
  return ({ text, toolNames: [name] }) => {
    if (text.includes('novel')) return { tokens: 1_000, hold: new Promise(() => {}), holdAfterChunks: 100 };
    if (text.includes('sentence')) return { tokens: 100 };
    const isEndless = text.includes('every capital');
    if (name === undefined || (asked === 3 && !isEndless)) return { text: 'Hello, bonjour, hola.' };
    const at = asked++ % 3;
    const topic = TOPICS[at];
    return {
      text: 'Let me look. '.repeat(isEndless ? 30 : 1),
      toolCalls: [{ name, arguments: { city: CITIES[at], topic, prompt: topic } }],
    };
  };
}

/** An environment in which the examples find nothing but the simulator. */
function environment(simulator: Simulator): NodeJS.ProcessEnv {
  const versionless = (provider: 'anthropic' | 'google' | 'mistral') =>
    simulator.baseURL(provider).replace(/\/v1(beta)?$/, '');
  const own = Object.entries(process.env).filter(([name]) => !/^AGENTKAVACH_(?!BUFFER_DIR)/.test(name));
  return {
    ...Object.fromEntries(own),
    OPENAI_BASE_URL: simulator.baseURL('openai'),
    OPENAI_API_KEY: 'simulated',
    ANTHROPIC_BASE_URL: versionless('anthropic'),
    ANTHROPIC_API_KEY: 'simulated',
    GOOGLE_GEMINI_BASE_URL: versionless('google'),
    GOOGLE_GENAI_API_VERSION: 'v1beta',
    GEMINI_API_KEY: 'simulated',
    MISTRAL_SERVER_URL: versionless('mistral'),
    MISTRAL_API_KEY: 'simulated',
    NO_COLOR: '1',
  };
}

describe('examples', () => {
  it('are found', () => expect(examples).toContain('vercel-ai-basic'));

  it.concurrent.each(examples)('%s runs against the simulator, within its budget', async (name) => {
    await using simulator = await startSimulator({ script: model() });
    const { stdout } = await run(process.execPath, ['--import', 'tsx', `examples/${name}/main.ts`], {
      cwd: root,
      env: environment(simulator),
      timeout: 50_000, // a provider that was not left keeps its example waiting
    });
    await simulator.ledger.settled();
    const { ledger } = simulator;
    const figure = (key: string): number => Number(new RegExp(`${key}: ([\\d.e-]+)`).exec(stdout)?.[1]);
    const spent = Math.round(figure('spent') * 1e9);
    const billed = ledger.totalNano() + (TOOL_COSTS[name] ?? 0);
    expect(ledger.requests).toBeGreaterThan(0);
    expect(ledger.select({ outcome: 'aborted' }).length > 0, 'leaves an answer').toBe(LEAVE.has(name));
    expect(billed, stdout).toBeGreaterThan(0);
    if (LEAVE.has(name)) expect(spent, stdout).toBeGreaterThanOrEqual(billed);
    else expect(spent, stdout).toBe(billed);
    expect(spent, stdout).toBeLessThanOrEqual(figure('limit') * 1e9);
  });

  it('of the README are the files that run', () => {
    const readme = readFileSync(`${root}README.md`, 'utf8');
    const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]);
    expect(blocks).toEqual(
      ['vercel-ai-basic', 'langchain-agent', 'mastra-basic', 'openai-sdk', 'any-client'].map((name) =>
        readFileSync(`${here}${name}/main.ts`, 'utf8'),
      ),
    );
  });
});
