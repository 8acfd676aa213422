/** `agentkavach init`: what to install and where the guard goes, for the app in the current folder. */
import type { Arguments } from '../args.ts';
import { ANY_CLIENT, frameworksOf } from '../init/frameworks.ts';
import { environmentFile, environmentLines, projectIn, writeLines } from '../init/project.ts';
import type { Io } from '../io.ts';
import type { Command, Result } from './command.ts';

async function run(args: Arguments, io: Io): Promise<Result> {
  const { name, dependencies, install } = projectIn(io.cwd);
  const found = frameworksOf(dependencies);
  const shown = found.length === 0 ? [ANY_CLIENT] : found;
  const needed = new Set(['@agentkavach/core', ...shown.flatMap(({ adapters }) => adapters), 'gpt-tokenizer']);
  const missing = [...needed].filter((one) => !dependencies.includes(one));
  const command = missing.length === 0 ? null : `${install} ${missing.join(' ')}`;
  const lines = environmentLines(name);
  const file = environmentFile(io.cwd);
  const isWritten = args.flag('write') && writeLines(io.cwd, lines);
  return {
    json: {
      frameworks: found.map(({ title }) => title),
      install: command,
      snippets: shown.map(({ title, snippet }) => ({ for: title, code: snippet })),
      environment: { file, lines, written: isWritten },
    },
    lines: [
      found.length === 0
        ? 'Found no framework or SDK that AgentKavach knows; guard.call takes any client.'
        : `Found ${found.map(({ title }) => title).join(', ')}.`,
      '',
      ...(command === null
        ? [`Nothing to install: package.json has ${[...needed].join(', ')} already.`]
        : ['Install:', '', `  ${command}`]),
      ...shown.flatMap(({ title, snippet }) => ['', `${title}:`, '', ...snippet.split('\n').map(indented)]),
      '',
      'Environment:',
      '',
      ...lines.map(indented),
      '',
      outcome(file, args.flag('write'), isWritten),
      'Next: npx agentkavach dev runs a backend on this machine; npx agentkavach doctor says what is missing.',
    ],
  };
}

function indented(line: string): string {
  return line === '' ? '' : `  ${line}`;
}

function outcome(file: string, isAsked: boolean, isWritten: boolean): string {
  if (isWritten) return `Added these lines to ${file}.`;
  return isAsked
    ? `${file} has lines for AgentKavach already, and stays as it is.`
    : `Nothing was written. With --write these lines are added to ${file}.`;
}

/** The command. */
export const init: Command = {
  usage: `Usage: agentkavach init [--write] [--json]

Looks at the package.json in this folder, and shows what is still to install, the code that guards a model of the frameworks found
there (Vercel AI SDK, LangChain, Mastra, the SDKs of OpenAI, Anthropic, Google and Mistral), and the environment's lines.

  --write    adds the environment's lines to .env.example where there is one, else to a new agentkavach.env.example;
             what is there stays as it is

  agentkavach init
  agentkavach init --write`,
  options: { write: { type: 'boolean' } },
  words: [0, 0],
  run,
};
