/** `agentkavach budget set`: a new limit, for every process at once. */
import { accessOf } from '../access.ts';
import { Api } from '../api.ts';
import { ACCESS, readNumber, type Arguments } from '../args.ts';
import { CliError, EXIT, type Io } from '../io.ts';
import { amount } from '../table.ts';
import type { Command, Result } from './command.ts';

interface BudgetView {
  readonly id: string;
  readonly agent: string | null;
  readonly scope: string;
  readonly name: string | null;
  readonly unit: string;
  readonly period: string;
  readonly limit: number;
}

async function run(args: Arguments, io: Io): Promise<Result> {
  const [verb, owner = '', budget = '', value = ''] = args.words;
  if (verb !== 'set') throw new CliError(`Unknown: budget ${verb ?? ''}.\n\n${command.usage}`, EXIT.usage, 'usage');
  const limit = readNumber(value, 'The limit', 0, 1e11);
  const api = new Api(accessOf(args, io), io);
  const found = await find(api, owner, budget);
  await api.ask('PATCH', `budgets/${found.id}`, { limit });
  const was = amount(found.unit, found.limit);
  return {
    json: { id: found.id, unit: found.unit, limit, was: found.limit },
    lines: [`${owner} ${budget}: ${amount(found.unit, limit)} (was ${was}). Operators manage this limit from now on.`],
  };
}

/** An agent's budget by its name or period; for `shared` and `org` the pool. */
async function find(api: Api, owner: string, wanted: string): Promise<BudgetView> {
  const isPool = owner === 'shared' || owner === 'org';
  const path = isPool ? 'budgets' : `budgets?agent=${encodeURIComponent(owner)}`;
  const all = await api.list<BudgetView>(path);
  const own = all.filter(({ agent, scope }) => (isPool ? agent === null && scope === owner : agent === owner));
  const named = own.filter(({ name }) => name === wanted);
  const matching = named.length > 0 ? named : own.filter(({ period }) => period === wanted);
  const [budget] = matching;
  if (budget !== undefined && matching.length === 1) return budget;
  const list = own.map(({ name, period, unit }) => `${name ?? period} (${unit}, ${period})`).join(', ');
  const what = budget === undefined ? 'has no budget' : 'has more than one budget';
  throw new CliError(
    `${owner} ${what} ${JSON.stringify(wanted)}. There are: ${list === '' ? 'none' : list}.`,
    EXIT.notFound,
    'budget_not_found',
  );
}

const command: Command = {
  usage: `Usage: agentkavach budget set <agent | shared | org> <period or name> <limit> [--json] [--url <url>] [--data <folder>]

Changes a limit in every process at once. The limit is in the budget's unit: dollars, tokens or calls.

  agentkavach budget set research-bot daily 50
  agentkavach budget set shared team-research 200
  agentkavach budget set org monthly 2000`,
  options: ACCESS,
  words: [4, 4],
  run,
};

export { command as budget };
