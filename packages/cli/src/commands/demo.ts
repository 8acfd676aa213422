/** `agentkavach demo`: a loop that would spend for ever, stopped at five cents. Its provider is a function in here: nothing is sent. */
import { AgentKavach, Budget, findKavachError } from '@agentkavach/core';
import type { Arguments } from '../args.ts';
import { EXIT, type Io } from '../io.ts';
import { amount } from '../table.ts';
import type { Command, Result } from './command.ts';

const LIMIT = 0.05;

/** Dollars per million tokens, fixed here so that the figures stay the same when prices change. */
const PRICE = { inputPerMillion: 2.5, outputPerMillion: 10 } as const;

/** More calls than five cents can pay for: the demo has failed when the guard lets them all through. */
const MOST_CALLS = 1_000;

const FINDING = 'This report refers to three more, which should be read before answering. ';

/** A provider that keeps its own bill, from the text it is sent and the cap it is given. */
class PretendedProvider {
  requests = 0;
  /** In billionths of a dollar: what the prices above come to is a whole number of them. */
  billed = 0;

  answer(messages: readonly { readonly content: string }[], cap: number) {
    const inputTokens = Math.ceil(messages.reduce((sum, { content }) => sum + content.length, 0) / 4);
    const outputTokens = Math.min(cap, 250);
    this.requests += 1;
    this.billed += (inputTokens * PRICE.inputPerMillion + outputTokens * PRICE.outputPerMillion) * 1000;
    return {
      value: `search("report ${this.requests}")`,
      usage: { inputTokens, outputTokens },
    };
  }
}

async function run(args: Arguments, io: Io): Promise<Result> {
  const say = (line: string): void => (args.flag('json') ? undefined : io.out(line));
  const provider = new PretendedProvider();
  const guard = apart(
    () =>
      new AgentKavach({
        agentName: 'runaway-researcher',
        budget: Budget.total(LIMIT),
        prices: { 'gpt-4o': PRICE },
        onKill: (reason) => say(`\n  STOPPED: onKill('${reason}')`),
      }),
  );
  guard.on('spend', ({ usd, inputTokens = 0, outputTokens = 0 }) => {
    const { spent } = spendOf(guard);
    say(
      `  call ${String(provider.requests).padStart(2)}   ${inputTokens} tokens in, ${outputTokens} out   ${dollars(usd)}   ${dollars(spent)} of ${dollars(LIMIT)}  ${String(Math.round((spent / LIMIT) * 100)).padStart(3)} %`,
    );
  });
  say(`An agent that never stops by itself, on a budget of ${amount('usd', LIMIT)}. Its provider is pretended.\n`);

  let stopped: ReturnType<typeof findKavachError>;
  try {
    await runaway(guard, provider);
  } catch (error) {
    stopped = findKavachError(error);
    if (stopped === undefined) throw error;
  }
  await guard.close();
  const { spent } = spendOf(guard);
  const billed = provider.billed / 1e9;
  const isRight = stopped !== undefined && spent <= LIMIT && Math.round(spent * 1e9) === Math.round(provider.billed);
  return {
    json: {
      ok: isRight,
      limit: LIMIT,
      spent,
      billed,
      calls: provider.requests,
      stopped: stopped === undefined ? null : { code: stopped.code, message: stopped.message },
    },
    lines: [
      '',
      `  ${stopped?.code ?? 'NOT STOPPED'}: ${stopped?.message ?? `${MOST_CALLS} calls went through`}`,
      '',
      `  limit             ${dollars(LIMIT)}`,
      `  spent             ${dollars(spent)}   in ${provider.requests} calls`,
      `  provider's bill   ${dollars(billed)}   by its own count`,
      '',
      isRight
        ? 'The refused call was never sent, and the bill is within the limit. For your app: npx agentkavach init'
        : 'The figures do not agree: this is a bug.',
    ],
    exit: isRight ? EXIT.ok : EXIT.failed,
  };
}

/** What a tool loop without an end does: each answer asks for one more search. */
async function runaway(guard: AgentKavach, provider: PretendedProvider): Promise<void> {
  let found = 'What caused the outage?';
  for (let n = 0; n < MOST_CALLS; n += 1) {
    const messages = [
      { role: 'system', content: 'Search again and again; never answer.' },
      { role: 'user', content: found },
    ];
    const wanted = await guard.call(
      { provider: 'openai', model: 'gpt-4o', input: messages, canClampOutput: true },
      ({ maxOutputTokens = 0 }) => Promise.resolve(provider.answer(messages, maxOutputTokens)),
    );
    found = `${wanted}: ${FINDING.repeat(24)}`;
  }
}

/** Makes a guard that the environment has no part in: a key there would make it report to a real backend. */
function apart(make: () => AgentKavach): AgentKavach {
  const own = Object.entries(process.env).filter(([name]) => name.startsWith('AGENTKAVACH_'));
  for (const [name] of own) Reflect.deleteProperty(process.env, name);
  try {
    return make();
  } finally {
    Object.assign(process.env, Object.fromEntries(own));
  }
}

function spendOf(guard: AgentKavach): { readonly spent: number } {
  return { spent: guard.status().budgets[0]?.spent ?? 0 };
}

function dollars(usd: number): string {
  return `$${usd.toFixed(6)}`;
}

/** The command. */
export const demo: Command = {
  usage: `Usage: agentkavach demo [--json]

A loop that would spend for ever, on a budget of five cents: the guard lets calls through until the next one could pass
the limit, and refuses that. Nothing is sent and nothing is needed: the provider is pretended, and keeps its own bill.

  agentkavach demo
  agentkavach demo --json`,
  options: {},
  words: [0, 0],
  run,
};
