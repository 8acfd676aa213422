import { AgentKavach, Budget } from '@agentkavach/core';
import { expect, it } from 'vitest';
import { nextCallOf, remember, rememberCalls } from './next-call.ts';

const stepOf = () => ({ response: { headers: {} } });
const next = () => ({ provider: 'openai', model: 'gpt-4o' });

it('remembers a call by the headers of its answer, until the step after it is asked about', () => {
  const guard = new AgentKavach({ budget: Budget.total(1) });
  const [first, second] = [stepOf(), stepOf()];
  rememberCalls(guard);
  remember(guard, first, next);
  expect(nextCallOf(guard, [first])).toBe(next);
  expect(nextCallOf(guard, [first])).toBe(next);
  remember(guard, second, next);
  expect(nextCallOf(guard, [first, second])).toBe(next);
  expect(nextCallOf(guard, [first])).toBeUndefined();
});

it('remembers nothing where nobody asks, nor of another guard’s calls', () => {
  const [guard, other] = [new AgentKavach({ budget: Budget.total(1) }), new AgentKavach({ budget: Budget.total(1) })];
  const step = stepOf();
  remember(guard, step, next);
  rememberCalls(guard);
  expect(nextCallOf(guard, [step])).toBeUndefined();
  rememberCalls(other);
  remember(other, step, next);
  expect(nextCallOf(guard, [step])).toBeUndefined();
  expect(nextCallOf(other, [])).toBeUndefined();
  expect(nextCallOf(guard, [{}])).toBeUndefined();
});

it('takes the last call of the guard for that of a step without headers', () => {
  const guard = new AgentKavach({ budget: Budget.total(1) });
  rememberCalls(guard);
  remember(guard, {}, next);
  expect(nextCallOf(guard, [stepOf(), {}])).toBe(next);
});
