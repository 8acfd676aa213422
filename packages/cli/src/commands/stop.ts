/** `agentkavach kill` and `resume`: the Stop button on the command line. */
import type { AgentChange } from '@agentkavach/core/wire';
import { accessOf } from '../access.ts';
import { Api } from '../api.ts';
import { ACCESS, readChoice, type Arguments } from '../args.ts';
import type { Io } from '../io.ts';
import { stopOf } from '../table.ts';
import type { Command, Result } from './command.ts';

/** Why an agent is stopped, and whether that also ends its calls in flight. */
const REASONS = ['manual', 'cost', 'tokens', 'calls', 'tools', 'duration', 'loop', 'velocity'] as const;
const ABORTING: readonly string[] = ['manual', 'duration', 'loop'] satisfies (typeof REASONS)[number][];

async function stop(args: Arguments, io: Io): Promise<Result> {
  const [name = ''] = args.words;
  const given = args.text('reason');
  const reason = given === undefined ? 'manual' : readChoice(given, '--reason', REASONS);
  const state = await new Api(await accessOf(args, io), io).ask<AgentChange>('POST', pathOf(name, 'kill'), { reason });
  const inFlight = ABORTING.includes(reason)
    ? 'its calls in flight are aborted'
    : 'its calls in flight run to their end';
  const { before } = state;
  const done =
    before?.killed === true
      ? `Agent ${name} was stopped already (${stopOf(before.reason, before.by)}). This stop takes its place`
      : `Agent ${name} is stopped`;
  return {
    json: state,
    lines: [`${done}: ${inFlight}, new ones are refused.`, `It runs again after: agentkavach resume ${name}`],
  };
}

async function start(args: Arguments, io: Io): Promise<Result> {
  const [name = ''] = args.words;
  const state = await new Api(await accessOf(args, io), io).ask<AgentChange>('POST', pathOf(name, 'resume'));
  const wasRunning = state.before?.killed === false;
  const line = wasRunning ? `Agent ${name} was not stopped, and may run.` : `Agent ${name} may run again.`;
  return { json: state, lines: [line] };
}

function pathOf(agent: string, action: 'kill' | 'resume'): string {
  return `agents/${encodeURIComponent(agent)}/${action}`;
}

/** Stops an agent in every process. */
export const kill: Command = {
  usage: `Usage: agentkavach kill <agent> [--reason <reason>] [--json] [--url <url>] [--data <folder>]

Stops an agent in every process that runs it: calls in flight are aborted, new ones are refused.

  --reason <reason>    ${REASONS.join(', ')}; default manual.
                       Calls in flight are aborted for ${ABORTING.join(', ')} only.

  agentkavach kill research-bot`,
  options: { ...ACCESS, reason: { type: 'string' } },
  words: [1, 1],
  run: stop,
};

/** Lets a stopped agent run again. */
export const resume: Command = {
  usage: `Usage: agentkavach resume <agent> [--json] [--url <url>] [--data <folder>]

Lets a stopped agent run again.

  agentkavach resume research-bot`,
  options: ACCESS,
  words: [1, 1],
  run: start,
};
