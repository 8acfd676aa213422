/** Plays a scenario through a subject on a simulator of its own, and holds what came of it against the contract. */
import { AgentKavach, findKavachError, type SpendEvent } from '@agentkavach/core';
import { FakeClock } from '@agentkavach/core/testing';
import { costNano, PRICES, PRICES_AS_OF, startSimulator, type Simulator } from '@agentkavach/simulator';
import { expect } from 'vitest';
import { CAP, type Attempt, type Expectation, type ModelFacts, type Scenario } from './scenario.ts';
import type { Subject } from './subject.ts';

/** Plays a scenario and checks everything that must hold. */
export async function play(scenario: Scenario, subject: Subject, expected: Expectation): Promise<void> {
  const script = scenario.script();
  await using sim = await startSimulator({ script: subject.answering?.(script) ?? script });
  // The day of the simulator's prices: the engine's have a date too.
  const clock = new FakeClock(Date.parse(PRICES_AS_OF));
  await using guard = new AgentKavach({ ...subject.options?.(sim), ...scenario.options(factsOf(subject)), clock });
  const spends = new Spends(guard);
  const client = subject.open(sim);
  const { error } = await scenario.play({
    sim,
    guard,
    clock,
    attempt: (task): Promise<Attempt> =>
      client({ ...task, guard }).then(
        (text) => ({ text }),
        (thrown: unknown) => ({ error: thrown }),
      ),
  });
  await spends.untilIdle();
  await guard.flush();
  await sim.ledger.settled();

  const refusal = findKavachError(error);
  const { budgets, inFlight, run } = guard.status();
  expect(sim.ledger.requests, `provider requests (${show(error)})`).toBe(expected.requests);
  expect(
    sim.ledger.entries.map(({ requestedModel }) => requestedModel),
    'models asked',
  ).toEqual(modelsAsked(subject, expected));
  expect(run.calls, 'calls counted').toBe(expected.calls ?? expected.requests);
  if (subject.copiesErrors !== undefined) expect(codeIn(error), `the code of ${show(error)}`).toBe(expected.refusal);
  else expect(refusal?.code, `our error inside ${show(error)}`).toBe(expected.refusal);
  expect({ inFlight, reserved: budgets.map(({ reserved }) => reserved) }, 'what is left reserved').toEqual({
    inFlight: 0,
    reserved: budgets.map(() => 0),
  });
  checkCharge(expected, sim, Math.round((budgets[0]?.spent ?? Number.NaN) * 1e9), spends.all.at(-1));
}

function checkCharge(
  { charge }: Expectation,
  { ledger }: Simulator,
  spent: number,
  last: SpendEvent | undefined,
): void {
  if (charge === 'exact') {
    expect(spent, 'nano-dollars spent, against the bill').toBe(ledger.totalNano());
    return;
  }
  const usage = ledger.entries.at(-1)?.usage;
  expect(spent, 'nano-dollars spent, against the bill').toBeGreaterThanOrEqual(ledger.totalNano());
  expect(last, 'the charge').toMatchObject({ estimated: true });
  expect(last?.inputTokens, 'input charged').toBeGreaterThanOrEqual(usage?.inputTokens ?? Number.NaN);
  expect(last?.outputTokens, 'output charged').toBeGreaterThanOrEqual(usage?.outputTokens ?? Number.NaN);
  if (charge === 'whole') expect(last?.outputTokens, 'output charged').toBe(CAP);
  else expect(last?.outputTokens, 'output charged').toBeLessThan(CAP / 2);
}

/** The model of each request, in order. */
function modelsAsked({ model, cheaper }: Subject, { requests, switched = 0 }: Expectation): readonly string[] {
  return Array.from({ length: requests }, (_, at) => (at < requests - switched ? model : cheaper));
}

/** Prices by the simulator's own table, which the engine does not know. */
function factsOf({ model, cheaper }: Subject): ModelFacts {
  const price = PRICES[model];
  if (price === undefined) throw new Error(`The simulator has no price for ${model}.`);
  const parts = { cacheReadTokens: 0, cacheWriteTokens: 0, cacheWrite1hTokens: 0, toolUsePromptTokens: 0 };
  return {
    cheaper,
    usd: ({ input, output }) =>
      costNano(price, { ...parts, inputTokens: input, outputTokens: output, reasoningTokens: 0 }) / 1e9,
  };
}

/** A guard's spend events, to wait for without sleeping. */
class Spends {
  readonly all: SpendEvent[] = [];
  readonly #guard: AgentKavach;
  #wake: () => void = () => undefined;

  constructor(guard: AgentKavach) {
    this.#guard = guard;
    guard.on('spend', (event) => {
      this.all.push(event);
      this.#wake();
    });
  }

  /** Resolves when no call is in flight. */
  async untilIdle(): Promise<void> {
    while (this.#guard.status().inFlight > 0) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

/** The code of a copy of one of our errors. */
function codeIn(error: unknown): unknown {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return String(code).startsWith('KAVACH_') ? code : undefined;
}

function show(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : JSON.stringify(error);
}
