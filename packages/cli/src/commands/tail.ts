/** `agentkavach tail`: events as they come. It asks again and again, so that nothing is missed when a connection breaks. */
import { setTimeout as wait } from 'node:timers/promises';
import { accessOf } from '../access.ts';
import { Api, type Page } from '../api.ts';
import { ACCESS, readNumber, type Arguments } from '../args.ts';
import { CliError, EXIT, type Io } from '../io.ts';
import { amount } from '../table.ts';
import type { Command } from './command.ts';

interface EventView {
  readonly id: string;
  readonly type: string;
  readonly at: string;
  readonly receivedAt: string;
  readonly runId: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly cost: number;
  readonly tokens: number;
  readonly outcome: string | null;
  readonly estimated: boolean;
  readonly code: string | null;
  readonly message: string | null;
}

/** Events are shown again for so long if they arrive late, each once. */
const LATE_MS = 60_000;

/** Ids that are remembered, so that none is shown twice. */
const REMEMBERED = 20_000;

async function run(args: Arguments, io: Io): Promise<undefined> {
  const api = new Api(accessOf(args, io), io);
  const interval = readNumber(args.text('interval') ?? '1', '--interval', 0.1, 3_600) * 1000;
  const [only] = args.words;
  const seen = new Set<string>();
  let since = io.now();
  for (;;) {
    const asked = io.now();
    try {
      const names = only === undefined ? await activeAgents(api, since) : [only];
      const events = (await Promise.all(names.map((name) => eventsOf(api, name, since - LATE_MS)))).flat();
      events.sort((a, b) => a.at.localeCompare(b.at));
      for (const event of events) {
        if (seen.has(event.id) || Date.parse(event.receivedAt) < since - LATE_MS) continue;
        seen.add(event.id);
        io.out(args.flag('json') ? JSON.stringify(event) : line(event));
      }
      for (const id of seen) if (seen.size > REMEMBERED) seen.delete(id);
      since = asked;
    } catch (error) {
      if (io.signal.aborted) return undefined;
      // A backend that restarts is waited for; a wrong key is not.
      if (!(error instanceof CliError) || error.exit !== EXIT.unreachable) throw error;
      io.err(error.message);
    }
    if (io.signal.aborted) return undefined;
    await wait(interval, undefined, { signal: io.signal }).catch(() => undefined);
    if (io.signal.aborted) return undefined;
  }
}

/** Agents that were seen since; `lastSeenAt` is exact to the minute only. */
async function activeAgents(api: Api, since: number): Promise<string[]> {
  const agents = await api.list<{ readonly name: string; readonly lastSeenAt: string }>('agents');
  return agents.filter(({ lastSeenAt }) => Date.parse(lastSeenAt) > since - 2 * LATE_MS).map(({ name }) => name);
}

async function eventsOf(api: Api, agent: string, from: number): Promise<(EventView & { readonly agent: string })[]> {
  const query = `limit=200&from=${encodeURIComponent(new Date(from).toISOString())}`;
  const page = await api.ask<Page<EventView>>('GET', `agents/${encodeURIComponent(agent)}/events?${query}`);
  return page.items.map((event) => ({ agent, ...event }));
}

function line(event: EventView & { readonly agent?: string }): string {
  const { at, type, agent = '', model, cost, tokens, outcome, estimated, code, message } = event;
  const what =
    type === 'call' || type === 'charge'
      ? `${model ?? ''}  ${amount('usd', cost)}${estimated ? ' (estimated)' : ''}${type === 'call' ? `  ${tokens} tokens  ${outcome ?? ''}` : ''}`
      : `${code ?? ''}  ${message ?? ''}`;
  return printable(`${at}  ${agent}  ${type}  ${what}`.trimEnd());
}

/** What an agent sends must not steer the terminal that shows it. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ');
}

/** The command. */
export const tail: Command = {
  usage: `Usage: agentkavach tail [agent] [--interval <seconds>] [--json] [--url <url>] [--data <folder>]

Shows events as they come, until Ctrl-C; with --json one object a line.

  agentkavach tail
  agentkavach tail research-bot --json`,
  options: { ...ACCESS, interval: { type: 'string' } },
  words: [0, 1],
  run,
};
