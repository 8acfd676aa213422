import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentKavach } from './kavach.ts';
import { Budget } from './budget/budget.ts';
import type { CallRequest } from './call.ts';
import { checkOptions } from './config/options.ts';
import { Engine } from './engine.ts';
import { ClosedError, KilledError } from './errors.ts';
import { Gate } from './gate.ts';
import { guardedCall } from './guarded-call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const REQUEST: CallRequest = { provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 };
const prices = { m: { inputPerMillion: 1_000, outputPerMillion: 1_000 } };

/** An engine behind a shut gate, and the calls that have gone in. */
function gated(options = {}) {
  const engine = new Engine(checkOptions({ budget: Budget.daily(1), prices, ...options }));
  const gate = new Gate();
  engine.gate = gate;
  const sent: number[] = [];
  const ask = (number: number, more: Partial<CallRequest> = {}): Promise<number> =>
    guardedCall(engine, { ...REQUEST, ...more }, () => {
      sent.push(number);
      return Promise.resolve({ value: number, usage: { inputTokens: 100, outputTokens: 100 } });
    });
  return { engine, gate, sent, ask };
}

describe('a call at a shut gate', () => {
  it('waits however small waitMs is, and goes in in its order', async () => {
    const { engine, sent, ask } = gated({ waitMs: 1 });
    const calls = [1, 2, 3].map((number) => ask(number));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual([]);
    engine.open();
    await expect(Promise.all(calls)).resolves.toEqual([1, 2, 3]);
    expect(sent).toEqual([1, 2, 3]);
  });

  it('is judged by what is known when the gate opens', async () => {
    const { engine, sent, ask } = gated({ mode: 'soft' });
    const call = ask(1);
    engine.charge(1_000_000_000, 'spent before');
    engine.open();
    await expect(call).rejects.toMatchObject({ code: 'KAVACH_BUDGET_EXCEEDED', spent: 1 });
    expect(sent).toEqual([]);
  });

  it.each<[string, (engine: Engine, abort: AbortController) => unknown, unknown]>([
    ['a kill', (engine) => engine.kill('cost', undefined), expect.any(KilledError)],
    ['close()', (engine) => engine.close(), expect.any(ClosedError)],
    ['its own signal', (_, abort) => abort.abort('enough'), 'enough'],
  ])('is ended by %s', async (_, end, error) => {
    const { engine, sent, ask } = gated();
    const abort = new AbortController();
    const call = ask(1, { signal: abort.signal });
    const ended = expect(call).rejects.toEqual(error);
    end(engine, abort);
    await ended;
    engine.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is refused at once where it would be refused in any case', async () => {
    const { engine, ask } = gated();
    engine.kill('manual', undefined);
    await expect(ask(1)).rejects.toBeInstanceOf(KilledError);
    await expect(ask(2, { signal: AbortSignal.abort('enough') })).rejects.toBe('enough');
  });

  it('keeps the process, and nothing does once it has gone in', async () => {
    const { engine, gate } = gated();
    expect(vi.getTimerCount()).toBe(0);
    const through = gate.pass(undefined);
    expect(vi.getTimerCount()).toBe(1);
    engine.open();
    await through;
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('under observe there is no gate: a call goes in although nothing is known yet', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const guard = new AgentKavach({
    mode: 'observe',
    budget: Budget.daily(1),
    prices,
    url: 'http://127.0.0.1:9',
    apiKey: `ak_dev_${'a'.repeat(32)}`,
  });
  let isSent = false;
  const call = guard.call(REQUEST, async () => {
    isSent = true;
    return { value: 1 };
  });
  expect(isSent).toBe(true); // in the same turn
  await call;
  vi.useRealTimers();
  await guard.close();
});
