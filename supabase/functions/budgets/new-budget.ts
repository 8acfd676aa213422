/** What a request for a budget must look like. */
import { z } from 'zod';
import { text } from '../_operator/fields.ts';

/** The most that a limit can be: dollars as in the SDK, whole tokens and calls as far as the database stores them. */
const MOST = { usd: 9_000_000, tokens: 99_999_999_999, calls: 99_999_999_999 } as const;

const scopes = ['agent', 'user', 'tag', 'shared', 'org'] as const;

/** The body of `POST /budgets`. */
export const newBudget = z
  .strictObject({
    scope: z.enum(scopes).default('agent'),
    /** The agent's name, for the scopes agent, user and tag. */
    agent: text(200).optional(),
    /** The pool's name (shared), or a name to tell budgets of one agent apart. */
    name: text(200).optional(),
    unit: z.enum(['usd', 'tokens', 'calls']).default('usd'),
    period: z.enum(['hourly', 'daily', 'weekly', 'monthly', 'total']),
    timeZone: z.string().max(64).refine(isTimeZone, 'is not an IANA time zone, such as Europe/Berlin').default('UTC'),
    limit: z.number(),
  })
  .superRefine(({ scope, agent, name, unit, limit }, context) => {
    const wrong = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const ofAgent = scope === 'agent' || scope === 'user' || scope === 'tag';
    if (ofAgent && agent === undefined) wrong('agent', `A budget of the scope ${scope} belongs to an agent: name it.`);
    if (!ofAgent && agent !== undefined) wrong('agent', `A budget of the scope ${scope} belongs to no single agent.`);
    if (scope === 'shared' && name === undefined)
      wrong('name', 'Agents join a shared budget by its name: give it one.');
    if (scope === 'org' && name !== undefined)
      wrong('name', 'There is one organisation budget per period: it has no name.');
    if (limit > MOST[unit]) wrong('limit', `must be at most ${MOST[unit].toLocaleString('en-US')} ${unit}`);
    if (unit === 'usd' ? limit < 1e-9 : limit < 1 || !Number.isInteger(limit)) {
      wrong(
        'limit',
        unit === 'usd' ? 'must be at least 0.000000001 dollars' : `must be a whole number of ${unit}, 1 or more`,
      );
    }
  });
export type NewBudget = z.infer<typeof newBudget>;

/** The body of `PATCH /budgets/:id`, in the budget's own unit. */
export const limitUpdate = z.strictObject({ limit: z.number().min(1e-9).max(MOST.tokens) });

/** As in `windowAt` of core: an offset such as +02:00 is none, since Postgres reads its sign the other way round. */
function isTimeZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
