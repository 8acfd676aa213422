/** What `init` knows of frameworks and SDKs: which dependency tells that an app uses one, what to install for it, and how it is guarded. */

/** One framework or SDK. */
export interface Framework {
  /** Its name for people. */
  readonly title: string;
  /** The app's dependency that tells it; with a `*` at its end, any that begins so. */
  readonly found: readonly string[];
  /** What is installed beside `@agentkavach/core`. */
  readonly adapters: readonly string[];
  readonly snippet: string;
}

const CORE = `import { AgentKavach, Budget } from '@agentkavach/core';`;
const GUARD = `const guard = new AgentKavach({ budget: Budget.daily(5) }); // $5 a day`;

/** An SDK whose client `guard.wrap` takes. */
function sdk(title: string, name: string, imported: string, client: string, call: string): Framework {
  const snippet = [CORE, `import ${imported} from '${name}';`, '', GUARD, client, '', call].join('\n');
  return { title, found: [name], adapters: [], snippet };
}

/** In the order in which they are shown. */
export const FRAMEWORKS: readonly Framework[] = [
  {
    title: 'Vercel AI SDK',
    found: ['ai'],
    adapters: ['@agentkavach/vercel-ai'],
    snippet: `import { openai } from '@ai-sdk/openai';
${CORE}
import { kavach } from '@agentkavach/vercel-ai';
import { generateText, wrapLanguageModel } from 'ai';

${GUARD}
const model = wrapLanguageModel({ model: openai('gpt-4o'), middleware: kavach(guard) });

const { text } = await generateText({ model, prompt: 'Hello' });`,
  },
  {
    title: 'LangChain',
    found: ['langchain', '@langchain/*'],
    adapters: ['@agentkavach/langchain'],
    snippet: `${CORE}
import { guardChatModel } from '@agentkavach/langchain';
import { ChatOpenAI } from '@langchain/openai';

${GUARD}
const model = guardChatModel(new ChatOpenAI({ model: 'gpt-4o' }), guard);
// For createAgent: middleware: [kavachMiddleware(guard)], from the same package.

const answer = await model.invoke('Hello');`,
  },
  {
    title: 'Mastra',
    found: ['@mastra/core'],
    adapters: ['@agentkavach/mastra'],
    snippet: `${CORE}
import { kavach } from '@agentkavach/mastra';
import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';

${GUARD}
const writer = new Agent({ id: 'writer', name: 'Writer', instructions: 'Be brief.', model: 'openai/gpt-4o' });
export const mastra = kavach(guard).register(new Mastra({ agents: { writer } }));`,
  },
  sdk(
    'OpenAI SDK',
    'openai',
    'OpenAI',
    'const openai = guard.wrap(new OpenAI());',
    `const answer = await openai.chat.completions.create({
  model: 'gpt-4o',
  messages: [{ role: 'user', content: 'Hello' }],
});`,
  ),
  sdk(
    'Anthropic SDK',
    '@anthropic-ai/sdk',
    'Anthropic',
    'const anthropic = guard.wrap(new Anthropic());',
    `const answer = await anthropic.messages.create({
  model: 'claude-haiku-4-5',
  max_tokens: 500,
  messages: [{ role: 'user', content: 'Hello' }],
});`,
  ),
  sdk(
    'Google GenAI SDK',
    '@google/genai',
    '{ GoogleGenAI }',
    'const google = guard.wrap(new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY }));',
    `const answer = await google.models.generateContent({ model: 'gemini-2.5-flash', contents: 'Hello' });`,
  ),
  sdk(
    'Mistral SDK',
    '@mistralai/mistralai',
    '{ Mistral }',
    'const mistral = guard.wrap(new Mistral({ apiKey: process.env.MISTRAL_API_KEY }));',
    `const answer = await mistral.chat.complete({
  model: 'mistral-large-latest',
  messages: [{ role: 'user', content: 'Hello' }],
});`,
  ),
];

/** For an app that has none of them. */
export const ANY_CLIENT: Framework = {
  title: 'Any client',
  found: [],
  adapters: [],
  snippet: `${CORE}
import { figuresOfResponse } from '@agentkavach/core/providers';

${GUARD}
const messages = [{ role: 'user', content: 'Hello' }];

const answer = await guard.call(
  { provider: 'openai', model: 'gpt-4o', input: messages, canClampOutput: true },
  async ({ model, maxOutputTokens, signal }) => {
    const response = await fetch('https://api.openai.com/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: \`Bearer \${process.env.OPENAI_API_KEY}\` },
      body: JSON.stringify({ model, messages, max_completion_tokens: maxOutputTokens }),
      signal,
    });
    if (!response.ok) throw Object.assign(new Error(await response.text()), { status: response.status });
    const value = await response.json();
    return { value, ...figuresOfResponse('openai', value) };
  },
);`,
};

/** Those of an app, by its dependencies. */
export function frameworksOf(dependencies: readonly string[]): readonly Framework[] {
  const matches = (pattern: string): boolean =>
    pattern.endsWith('*')
      ? dependencies.some((name) => name.startsWith(pattern.slice(0, -1)))
      : dependencies.includes(pattern);
  return FRAMEWORKS.filter(({ found }) => found.some(matches));
}
