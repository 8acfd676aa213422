/** `agentkavach kill` and `resume`: the Stop button on the command line. */
import type { AgentState } from '@agentkavach/core/wire';
import { accessOf } from '../access.ts';
import { Api } from '../api.ts';
import { ACCESS, type Arguments } from '../args.ts';
import type { Io } from '../io.ts';
import type { Command, Result } from './command.ts';

async function setState(args: Arguments, io: Io, action: 'kill' | 'resume'): Promise<Result> {
  const [name = ''] = args.words;
  const reason = args.text('reason');
  const api = new Api(accessOf(args, io), io);
  const body = reason === undefined ? undefined : { reason };
  const state = await api.ask<AgentState>('POST', `agents/${encodeURIComponent(name)}/${action}`, body);
  const what =
    action === 'kill'
      ? `Agent ${name} is stopped: its calls in flight are aborted and new ones are refused. agentkavach resume ${name} lets it run again.`
      : `Agent ${name} may run again.`;
  return { json: state, lines: [what] };
}

/** Stops an agent in every process. */
export const kill: Command = {
  usage: `Usage: agentkavach kill <agent> [--reason <reason>] [--json] [--url <url>] [--data <folder>]

Stops an agent in every process that runs it: calls in flight are aborted, new ones are refused.
Reasons: manual (default), cost, tokens, calls, tools, duration, loop, velocity. Only manual, duration and loop abort what is in flight.

  agentkavach kill research-bot`,
  options: { ...ACCESS, reason: { type: 'string' } },
  words: [1, 1],
  run: (args, io) => setState(args, io, 'kill'),
};

/** Lets a stopped agent run again. */
export const resume: Command = {
  usage: `Usage: agentkavach resume <agent> [--json] [--url <url>] [--data <folder>]

Lets a stopped agent run again.

  agentkavach resume research-bot`,
  options: ACCESS,
  words: [1, 1],
  run: (args, io) => setState(args, io, 'resume'),
};
