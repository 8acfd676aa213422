/** `agentkavach budget set` and `release`: a new limit, for every process at once, and back to the one in code. */
import { accessOf } from '../access.ts';
import { Api } from '../api.ts';
import { ACCESS, readChoice, readNumber, type Arguments } from '../args.ts';
import { CliError, EXIT, type Io } from '../io.ts';
import { didYouMean } from '../nearest.ts';
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

const UNITS = ['usd', 'tokens', 'calls'] as const;

async function run(args: Arguments, io: Io): Promise<Result> {
  const [verb = '', owner = '', budget = '', value] = args.words;
  if (verb !== 'set' && verb !== 'release')
    throw wrong(`Unknown: budget ${verb}`, didYouMean(verb, ['set', 'release']));
  if (verb === 'set' && value === undefined) throw wrong('budget set needs a limit');
  if (verb === 'release' && value !== undefined) throw wrong(`budget release takes no limit: ${value}`);
  const limit = value === undefined ? undefined : readNumber(value, 'The limit', 0, 1e15);
  const unit = args.text('unit');
  if (unit !== undefined) readChoice(unit, '--unit', UNITS);
  const api = new Api(await accessOf(args, io), io);
  const found = pick(await budgetsOf(api, owner), owner, budget, unit);
  return limit === undefined ? release(api, owner, found) : set(api, owner, found, limit, [budget, unit]);
}

/** @param named the budget as the operator named it, and its unit where one was given: what releases it again */
async function set(
  api: Api,
  owner: string,
  found: BudgetView,
  limit: number,
  [name, unit]: readonly [name: string, unit: string | undefined],
): Promise<Result> {
  // A name that a shell would cut or change goes by its id.
  const named = /^[\w.-]+$/.test(name) ? `${name}${unit === undefined ? '' : ` --unit ${unit}`}` : found.id;
  await api.ask('PATCH', `budgets/${found.id}`, { limit });
  return {
    json: { id: found.id, unit: found.unit, limit, was: found.limit, managedBy: 'operator' },
    lines: [
      `${owner} ${nameOf(found)}: the limit is ${amount(found.unit, limit)} now (it was ${amount(found.unit, found.limit)}), in every process.`,
      'Operators manage this limit from now on; what code says no longer changes it.',
      `Back to the limit in code: agentkavach budget release ${owner} ${named}`,
    ],
  };
}

async function release(api: Api, owner: string, found: BudgetView): Promise<Result> {
  const { limit } = await api.ask<{ readonly limit: number }>('POST', `budgets/${found.id}/release`);
  return {
    json: { id: found.id, unit: found.unit, limit, was: found.limit, managedBy: 'code' },
    lines: [
      `${owner} ${nameOf(found)}: code manages the limit again. It is ${amount(found.unit, limit)} now (it was ${amount(found.unit, found.limit)}), in every process.`,
    ],
  };
}

/** An agent's budgets; for `shared` and `org` the pools. */
async function budgetsOf(api: Api, owner: string): Promise<BudgetView[]> {
  const isPool = owner === 'shared' || owner === 'org';
  const all = await api.list<BudgetView>(isPool ? 'budgets' : `budgets?agent=${encodeURIComponent(owner)}`);
  return all.filter(({ agent, scope }) => (isPool ? agent === null && scope === owner : agent === owner));
}

/** By id, else by name, else by period, where those without a name go first. */
function pick(own: readonly BudgetView[], owner: string, wanted: string, unit: string | undefined): BudgetView {
  const inUnit = own.filter((budget) => unit === undefined || budget.unit === unit);
  const tries = [
    inUnit.filter(({ id }) => id === wanted),
    inUnit.filter(({ name }) => name === wanted),
    inUnit.filter(({ name, period }) => name === null && period === wanted),
    inUnit.filter(({ period }) => period === wanted),
  ];
  const matching = tries.find(({ length }) => length > 0) ?? [];
  const [budget] = matching;
  if (budget !== undefined && matching.length === 1) return budget;
  if (own.length === 0)
    throw new CliError(
      `${owner} has no budgets. agentkavach status shows agents and budgets.`,
      EXIT.notFound,
      'budget_not_found',
    );
  if (budget === undefined) {
    const what = `${JSON.stringify(wanted)}${unit === undefined ? '' : ` in ${unit}`}`;
    throw new CliError(`${owner} has no budget ${what}. It has: ${list(own)}.`, EXIT.notFound, 'budget_not_found');
  }
  throw new CliError(
    `${owner} has ${matching.length} budgets ${JSON.stringify(wanted)}: ${list(matching)}. Name one with --unit or by its id.`,
    EXIT.usage,
    'budget_ambiguous',
  );
}

function list(budgets: readonly BudgetView[]): string {
  return budgets.map((budget) => `${nameOf(budget)} (${budget.unit}, id ${budget.id})`).join(', ');
}

function nameOf({ name, period }: BudgetView): string {
  return name === null ? period : `${name} (${period})`;
}

function wrong(what: string, hint = ''): CliError {
  return new CliError(`${what}.${hint}\n\n${command.usage}`, EXIT.usage, 'usage');
}

const command: Command = {
  usage: `Usage: agentkavach budget set <agent | shared | org> <budget> <limit> [--unit <unit>] [--json] [--url <url>] [--data <folder>]
       agentkavach budget release <agent | shared | org> <budget> [--unit <unit>] …

Set changes a limit in every process at once; from then on code does not change it. Release hands it back to code: the
limit is the one that code declared last. A budget is named by its name, its period (hourly, daily, weekly, monthly,
total) or its id; the limit is in the budget's unit: dollars, tokens or calls.

  --unit <unit>    usd, tokens or calls, where two budgets have the same period

  agentkavach budget set research-bot daily 50
  agentkavach budget set research-bot daily 2000000 --unit tokens
  agentkavach budget set shared team-research 200
  agentkavach budget set org monthly 2000
  agentkavach budget release research-bot daily`,
  options: { ...ACCESS, unit: { type: 'string' } },
  words: [3, 4],
  run,
};

export { command as budget };
