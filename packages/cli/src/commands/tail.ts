/** `agentkavach tail`: events as they come. It asks again and again, so that nothing is missed when a connection breaks. */
import { setTimeout as wait } from 'node:timers/promises';
import { accessOf } from '../access.ts';
import { Api, type Page } from '../api.ts';
import { ACCESS, readNumber, type Arguments } from '../args.ts';
import { CliError, EXIT, type Io } from '../io.ts';
import { amount, printable } from '../table.ts';
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

type AgentEvent = EventView & { readonly agent: string };

/** Events are looked for again for so long, since they may arrive late; each is shown once. */
const LATE_MS = 60_000;

/** Ids that are remembered, so that none is shown twice. */
const REMEMBERED = 20_000;

async function run(args: Arguments, io: Io): Promise<undefined> {
  const interval = readNumber(args.text('interval') ?? '1', '--interval', 0.1, 3_600) * 1000;
  // Without a backend there is nothing to wait for yet; afterwards it may go and come back.
  await accessOf(args, io);
  const events = new Events(args.words[0]);
  let isAway = false;
  while (!io.signal.aborted) {
    try {
      // Looked up anew: a backend on this machine may come back on another port.
      for (const event of await events.next(new Api(await accessOf(args, io), io)))
        io.out(args.flag('json') ? JSON.stringify(event) : line(event));
      if (isAway) io.err('The backend is back.');
      isAway = false;
    } catch (error) {
      if (io.signal.aborted) return undefined;
      // A backend that restarts, or asks for patience, is waited for; a wrong key is not.
      if (!(error instanceof CliError) || !mayPass(error)) throw error;
      if (!isAway) io.err(`${printable(error.message)} Waiting for it; Ctrl-C ends.`);
      isAway = true;
    }
    await wait(interval, undefined, { signal: io.signal }).catch(() => undefined);
  }
  return undefined;
}

function mayPass({ exit, code }: CliError): boolean {
  return exit === EXIT.unreachable || code === 'burst' || code === 'http_429';
}

/** What has happened since the last look, by the backend's clock. */
class Events {
  readonly #seen = new Set<string>();
  readonly #only: string | undefined;
  #since: number | undefined;

  constructor(only: string | undefined) {
    this.#only = only;
  }

  /** Oldest first, each event once. */
  async next(api: Api): Promise<AgentEvent[]> {
    const { serverTime } = await api.ask<{ readonly serverTime: number }>('GET', 'status');
    const from = (this.#since ?? serverTime) - LATE_MS;
    const names = this.#only === undefined ? await activeAgents(api, from) : [this.#only];
    const found: AgentEvent[] = [];
    // One after the other: a terminal is no reason to burden the backend.
    for (const name of names) found.push(...(await this.#of(api, name, from)));
    for (const { id } of found) this.#seen.add(id);
    for (const id of this.#seen) {
      if (this.#seen.size <= REMEMBERED) break;
      this.#seen.delete(id);
    }
    this.#since = serverTime;
    return found.sort((a, b) => a.at.localeCompare(b.at));
  }

  /** Newest first, page after page until one has nothing new. */
  async #of(api: Api, agent: string, from: number): Promise<AgentEvent[]> {
    const query = `agents/${encodeURIComponent(agent)}/events?limit=200&from=${encodeURIComponent(new Date(from).toISOString())}`;
    const found: AgentEvent[] = [];
    let cursor: string | null = null;
    do {
      const page: Page<EventView> = await api.ask(
        'GET',
        cursor === null ? query : `${query}&cursor=${encodeURIComponent(cursor)}`,
      );
      const fresh = page.items.filter(({ id }) => !this.#seen.has(id));
      found.push(...fresh.map((event) => ({ agent, ...event })));
      cursor = fresh.length === 0 ? null : page.nextCursor;
    } while (cursor !== null && found.length < REMEMBERED);
    return found;
  }
}

/** Agents that were seen since; `lastSeenAt` is exact to five seconds only. */
async function activeAgents(api: Api, since: number): Promise<string[]> {
  const agents = await api.list<{ readonly name: string; readonly lastSeenAt: string }>('agents');
  return agents.filter(({ lastSeenAt }) => Date.parse(lastSeenAt) > since - LATE_MS).map(({ name }) => name);
}

function line(event: AgentEvent): string {
  const { at, type, agent, model, cost, tokens, outcome, estimated, code, message } = event;
  const money = `${amount('usd', cost)}${estimated ? ' (estimated)' : ''}`;
  const parts =
    type === 'call'
      ? [model, money, `${tokens.toLocaleString('en')} tokens`, outcome]
      : type === 'charge'
        ? [model, money]
        : [code, message];
  return printable([at, agent, type, ...parts.filter((part) => part !== null && part !== '')].join('  '));
}

/** The command. */
export const tail: Command = {
  usage: `Usage: agentkavach tail [agent] [--interval <seconds>] [--json] [--url <url>] [--data <folder>]

Shows the events of the last minute and then new ones as they come, until Ctrl-C; with --json one object a line.
A backend that goes away is waited for.

  --interval <seconds>    between two looks; 0.1 to 3600, default 1

  agentkavach tail
  agentkavach tail research-bot --json`,
  options: { ...ACCESS, interval: { type: 'string' } },
  words: [0, 1],
  run,
};
