/** `agentkavach status [agent]`: who runs, who is stopped, and what is left. */
import { accessOf } from '../access.ts';
import { Api } from '../api.ts';
import { ACCESS, type Arguments } from '../args.ts';
import type { Io } from '../io.ts';
import { ago, amount, minute, stopOf, table } from '../table.ts';
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
  /** `null` for `total`. */
  readonly windowEnd: string | null;
}

interface AgentView {
  readonly name: string;
  readonly killed: boolean;
  readonly killReason: string | null;
  readonly killedBy: string | null;
  readonly lastSeenAt: string;
  readonly keyEndedAt: string | null;
  readonly spentBudget: {
    readonly name: string | null;
    readonly scope: string;
    readonly period: string;
    readonly resetsAt: string | null;
  } | null;
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
    agents.map((agent) => [agent.name, stateOf(agent), ago(agent.lastSeenAt, io.now())]),
  );
}

/** What keeps it from going on: first what only a person lifts. */
function stateOf({ killed, killReason, killedBy, keyEndedAt, spentBudget }: AgentView): string {
  if (killed) return `stopped (${stopOf(killReason, killedBy)})`;
  if (keyEndedAt !== null) return `key refused since ${minute(keyEndedAt)}`;
  if (spentBudget === null) return 'running';
  const { name, scope, period, resetsAt } = spentBudget;
  const which = [scope === 'agent' ? '' : scope, name ?? '', period].filter((part) => part !== '').join(' ');
  return `budget spent (${which}, ${resetsAt === null ? 'does not reset' : `resets ${minute(resetsAt)}`})`;
}

function budgetLines(budgets: readonly BudgetView[]): string[] {
  if (budgets.length === 0) return ['No budgets.'];
  return table(
    ['BUDGET', 'OF', 'SPENT', 'HELD', 'LIMIT', 'LEFT', 'RESETS', 'LIMIT BY'],
    budgets.map(({ scope, name, agent, unit, period, spent, leased, limit, remaining, windowEnd, managedBy }) => [
      `${name ?? period}${name === null ? '' : ` (${period})`}`,
      agent ?? scope,
      amount(unit, spent),
      amount(unit, leased),
      amount(unit, limit),
      `${amount(unit, remaining)} (${limit === 0 ? 0 : Math.floor((remaining / limit) * 100)} %)`,
      windowEnd === null ? 'never' : minute(windowEnd),
      managedBy,
    ]),
  );
}

/** The command. */
export const status: Command = {
  usage: `Usage: agentkavach status [agent] [--json] [--url <url>] [--data <folder>]

Shows agents, what keeps them from running (a stop, a spent budget, a key that is refused), and what is left of budgets.

  agentkavach status
  agentkavach status research-bot --json`,
  options: ACCESS,
  words: [0, 1],
  run,
};
