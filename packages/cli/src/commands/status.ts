/** `agentkavach status [agent]`: who runs, who is stopped, and what is left. */
import { accessOf } from '../access.ts';
import { Api } from '../api.ts';
import { ACCESS, type Arguments } from '../args.ts';
import type { Io } from '../io.ts';
import { ago, amount, table } from '../table.ts';
import type { Command, Result } from './command.ts';

interface BudgetView {
  readonly id: string;
  readonly agent: string | null;
  readonly scope: string;
  readonly name: string | null;
  readonly unit: string;
  readonly period: string;
  readonly limit: number;
  readonly spent: number;
  readonly leased: number;
  readonly remaining: number;
  readonly managedBy: string;
}

interface AgentView {
  readonly name: string;
  readonly killed: boolean;
  readonly killReason: string | null;
  readonly killedBy: string | null;
  readonly lastSeenAt: string;
  readonly budgets: readonly BudgetView[];
}

async function run(args: Arguments, io: Io): Promise<Result> {
  const api = new Api(await accessOf(args, io), io);
  const [name] = args.words;
  if (name !== undefined) {
    const agent = await api.ask<AgentView>('GET', `agents/${encodeURIComponent(name)}`);
    return { json: agent, lines: [...agentLines([agent], io), '', ...budgetLines(agent.budgets)] };
  }
  const agents = await api.list<AgentView>('agents');
  const budgets = await api.list<BudgetView>('budgets');
  if (agents.length === 0)
    return {
      json: { agents, budgets },
      lines: ['No agent has connected yet. Give your app AGENTKAVACH_URL and AGENTKAVACH_API_KEY.'],
    };
  return { json: { agents, budgets }, lines: [...agentLines(agents, io), '', ...budgetLines(budgets)] };
}

function agentLines(agents: readonly AgentView[], io: Io): string[] {
  return table(
    ['AGENT', 'STATE', 'LAST SEEN'],
    agents.map(({ name, killed, killReason, killedBy, lastSeenAt }) => [
      name,
      killed ? `stopped (${killReason ?? 'manual'}${killedBy === null ? '' : ` by ${killedBy}`})` : 'running',
      ago(lastSeenAt, io.now()),
    ]),
  );
}

function budgetLines(budgets: readonly BudgetView[]): string[] {
  if (budgets.length === 0) return ['No budgets.'];
  return table(
    ['BUDGET', 'OF', 'SPENT', 'HELD', 'LIMIT', 'LEFT'],
    budgets.map(({ scope, name, agent, unit, period, spent, leased, limit, remaining }) => [
      `${name ?? period}${name === null ? '' : ` (${period})`}`,
      agent ?? scope,
      amount(unit, spent),
      amount(unit, leased),
      amount(unit, limit),
      `${amount(unit, remaining)} (${limit === 0 ? 0 : Math.round((remaining / limit) * 100)} %)`,
    ]),
  );
}

/** The command. */
export const status: Command = {
  usage: `Usage: agentkavach status [agent] [--json] [--url <url>] [--data <folder>]

Shows agents, whether they are stopped, and what is left of their budgets.

  agentkavach status
  agentkavach status research-bot --json`,
  options: ACCESS,
  words: [0, 1],
  run,
};
