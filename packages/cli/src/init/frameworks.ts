/** What `init` knows of frameworks and SDKs: which package tells that an app uses one, what to install for it, and how it is guarded. */

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

const GUARD = `const guard = new AgentKavach({ budget: Budget.daily(5) }); // $5 a day`;

/** A call that a client sends and `guard.call` guards, where there is no adapter. */
function call(client: {
  readonly imports: readonly string[];
  readonly setup: readonly string[];
  readonly request: string;
  readonly send: readonly string[];
}): string {
  return [
    `import { AgentKavach, Budget } from '@agentkavach/core';`,
    ...client.imports,
    '',
    GUARD,
    ...client.setup,
    '',
    'const answer = await guard.call(',
    `  { ${client.request} },`,
    '  async ({ model, maxOutputTokens, signal }) => {',
    ...client.send.map((line) => `    ${line}`),
    '  },',
    ');',
  ].join('\n');
}

const FIGURES = `import { figuresOfResponse } from '@agentkavach/core/providers';`;
const MESSAGES = `const messages = [{ role: 'user' as const, content: 'Hello' }];`;

/** In the order in which they are shown. */
export const FRAMEWORKS: readonly Framework[] = [
  {
    title: 'Vercel AI SDK',
    found: ['ai'],
    adapters: ['@agentkavach/vercel-ai'],
    snippet: `import { openai } from '@ai-sdk/openai';
import { AgentKavach, Budget } from '@agentkavach/core';
import { kavach } from '@agentkavach/vercel-ai';
import { generateText, wrapLanguageModel } from 'ai';

${GUARD}
const model = wrapLanguageModel({ model: openai('gpt-4o'), middleware: kavach(guard) });

const { text } = await generateText({ model, prompt: 'Hello' });`,
  },
  {
    title: 'Mastra',
    found: ['@mastra/core'],
    adapters: ['@agentkavach/vercel-ai'],
    snippet: `import { openai } from '@ai-sdk/openai';
import { AgentKavach, Budget } from '@agentkavach/core';
import { guardModel } from '@agentkavach/vercel-ai';
import { Agent } from '@mastra/core/agent';

${GUARD}
const agent = new Agent({
  id: 'helper',
  name: 'helper',
  instructions: 'You are helpful.',
  model: guardModel(openai('gpt-4o'), guard),
});`,
  },
  {
    title: 'LangChain',
    found: ['langchain', '@langchain/*'],
    adapters: [],
    snippet: call({
      imports: [`import { ChatOpenAI } from '@langchain/openai';`],
      setup: [
        `const llm = new ChatOpenAI({ model: 'gpt-4o', maxTokens: 500, maxRetries: 0 }); // a retry is a call of its own`,
        `const prompt = 'Hello';`,
      ],
      request: `provider: 'openai', model: 'gpt-4o', input: prompt, maxOutputTokens: 500`,
      send: [
        'const value = await llm.invoke(prompt, { signal });',
        'const used = value.usage_metadata;',
        'return { value, usage: { inputTokens: used?.input_tokens, outputTokens: used?.output_tokens } };',
      ],
    }).replace('{ model, maxOutputTokens, signal }', '{ signal }'),
  },
  {
    title: 'OpenAI SDK',
    found: ['openai'],
    adapters: [],
    snippet: call({
      imports: [FIGURES, `import OpenAI from 'openai';`],
      setup: ['const openai = new OpenAI({ maxRetries: 0 }); // a retry is a call of its own', MESSAGES],
      request: `provider: 'openai', model: 'gpt-4o', input: messages, canClampOutput: true`,
      send: [
        'const value = await openai.chat.completions.create(',
        '  { model, messages, max_completion_tokens: maxOutputTokens },',
        '  { signal },',
        ');',
        `return { value, ...figuresOfResponse('openai', value) };`,
      ],
    }),
  },
  {
    title: 'Anthropic SDK',
    found: ['@anthropic-ai/sdk'],
    adapters: [],
    snippet: call({
      imports: [FIGURES, `import Anthropic from '@anthropic-ai/sdk';`],
      setup: ['const anthropic = new Anthropic({ maxRetries: 0 }); // a retry is a call of its own', MESSAGES],
      request: `provider: 'anthropic', model: 'claude-haiku-4-5', input: messages, maxOutputTokens: 1024, canClampOutput: true`,
      send: [
        'const value = await anthropic.messages.create(',
        '  { model, messages, max_tokens: maxOutputTokens ?? 1024 },',
        '  { signal },',
        ');',
        `return { value, ...figuresOfResponse('anthropic', value) };`,
      ],
    }),
  },
  {
    title: 'Google GenAI SDK',
    found: ['@google/genai'],
    adapters: [],
    snippet: call({
      imports: [FIGURES, `import { GoogleGenAI } from '@google/genai';`],
      setup: ['const google = new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY });', `const contents = 'Hello';`],
      request: `provider: 'google', model: 'gemini-2.5-flash', input: contents, canClampOutput: true`,
      send: [
        'const value = await google.models.generateContent({',
        '  model,',
        '  contents,',
        '  config: { maxOutputTokens, abortSignal: signal },',
        '});',
        `return { value, ...figuresOfResponse('google', value) };`,
      ],
    }),
  },
  {
    title: 'Mistral SDK',
    found: ['@mistralai/mistralai'],
    adapters: [],
    snippet: call({
      imports: [`import { Mistral } from '@mistralai/mistralai';`],
      setup: ['const mistral = new Mistral({ apiKey: process.env.MISTRAL_API_KEY });', MESSAGES],
      request: `provider: 'mistral', model: 'mistral-large-latest', input: messages, canClampOutput: true`,
      send: [
        'const value = await mistral.chat.complete(',
        '  { model, messages, maxTokens: maxOutputTokens },',
        '  { fetchOptions: { signal } },',
        ');',
        'const { promptTokens: inputTokens, completionTokens: outputTokens } = value.usage;',
        'return { value, usage: { inputTokens, outputTokens } };',
      ],
    }),
  },
];

/** For an app that has none of them. */
export const ANY_CLIENT: Framework = {
  title: 'Any client',
  found: [],
  adapters: [],
  snippet: call({
    imports: [FIGURES],
    setup: [MESSAGES],
    request: `provider: 'openai', model: 'gpt-4o', input: messages, canClampOutput: true`,
    send: [
      `const response = await fetch('https://api.openai.com/v1/chat/completions', {`,
      `  method: 'POST',`,
      `  headers: { 'content-type': 'application/json', authorization: \`Bearer \${process.env.OPENAI_API_KEY}\` },`,
      '  body: JSON.stringify({ model, messages, max_completion_tokens: maxOutputTokens }),',
      '  signal,',
      '});',
      'if (!response.ok) throw Object.assign(new Error(await response.text()), { status: response.status });',
      'const value = await response.json();',
      `return { value, ...figuresOfResponse('openai', value) };`,
    ],
  }),
};

/** Those of an app, by its dependencies. */
export function frameworksOf(dependencies: readonly string[]): readonly Framework[] {
  const matches = (pattern: string): boolean =>
    pattern.endsWith('*')
      ? dependencies.some((name) => name.startsWith(pattern.slice(0, -1)))
      : dependencies.includes(pattern);
  return FRAMEWORKS.filter(({ found }) => found.some(matches));
}
