/** Scripts: what the simulated model answers, as code or as rules. */
import type { Reply } from './reply.ts';
import type { Api, Provider, SimulatedRequest } from './request.ts';

/** A script as code: called once for each request. What it throws becomes an HTTP 500. */
export type Script = (request: SimulatedRequest) => Reply | Promise<Reply>;

/** Which requests a rule answers; every field that is set must hold. */
export interface RuleMatch {
  readonly provider?: Provider;
  readonly api?: Api;
  /** The model asked for. */
  readonly model?: string;
  readonly streamed?: boolean;
  /** A text that occurs in the messages. */
  readonly text?: string;
  /** Only the nth request (from 1) of those that meet the other conditions. */
  readonly nth?: number;
}

/** One rule; the first rule that matches a request answers it. */
export interface ScriptRule {
  /** Default: every request. */
  readonly match?: RuleMatch;
  readonly reply: Reply;
}

/** Rules as a script. A request that no rule matches gets the default reply. */
export function scriptFrom(rules: readonly ScriptRule[]): Script {
  const counts = rules.map(() => 0);
  return (request) => {
    let reply: Reply | undefined;
    for (const [index, rule] of rules.entries()) {
      if (!meets(rule.match ?? {}, request)) continue;
      // Every rule counts, whether or not an earlier one answers, so that rules can be read one by one.
      const nth = (counts[index] ?? 0) + 1;
      counts[index] = nth;
      if (rule.match?.nth === undefined || rule.match.nth === nth) reply ??= rule.reply;
    }
    return reply ?? {};
  };
}

function meets(match: RuleMatch, request: SimulatedRequest): boolean {
  return (
    (match.provider === undefined || match.provider === request.provider) &&
    (match.api === undefined || match.api === request.api) &&
    (match.model === undefined || match.model === request.model) &&
    (match.streamed === undefined || match.streamed === request.streamed) &&
    (match.text === undefined || request.text.includes(match.text))
  );
}
