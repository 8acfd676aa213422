import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CallRequest, CallResult, Turn } from './call.ts';
import type { KavachOptions } from './config/options.ts';
import type { AgentKavach } from './kavach.ts';
import { LoopDetectedError } from './loop-error.ts';
import { expectSettled, meteredGuard, REQUEST } from './testing/metered.ts';

afterEach(() => void vi.restoreAllMocks());

const STUCK: Turn = { kind: 'tool', name: 'read', args: { path: 'a' }, result: 'A' };
const other = (n: number): Turn => ({ kind: 'tool', name: 'read', args: { path: `${n}` }, result: 'A' });

function watching(options: KavachOptions = {}, guardrails: KavachOptions['guardrails'] = { detectLoops: true }) {
  const onKill = vi.fn();
  return { ...meteredGuard({ guardrails, onKill, ...options }), onKill };
}

/** A call whose conversation has these turns. */
function ask(guard: AgentKavach, turns: readonly Turn[], request: Partial<CallRequest> = {}): Promise<string> {
  return guard.call({ ...REQUEST, history: () => turns, ...request }, async () => ({
    value: 'ok',
    usage: { inputTokens: 10, outputTokens: 0 },
  }));
}

const stuck = (times: number): Turn[] => Array.from({ length: times }, () => STUCK);

describe('detectLoops', () => {
  it('refuses the call whose conversation repeats itself, with the rule, the pattern and the count', async () => {
    const { guard, booked, onKill } = watching();
    await ask(guard, stuck(3));
    const execute = vi.fn();
    const error: unknown = await guard.call({ ...REQUEST, history: () => stuck(4) }, execute).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LoopDetectedError);
    expect(error).toMatchObject({
      code: 'KAVACH_LOOP_DETECTED',
      runId: guard.status().run.id,
      rule: 'repeated-call',
      pattern: ['read({"path":"a"})'],
      count: 4,
      limit: 4,
    });
    expect((error as Error).message).toContain('read({"path":"a"}) with the same result, 4 times in a row');
    expect(execute).not.toHaveBeenCalled();
    expectSettled(guard, booked, 1);
    await expect(ask(guard, [])).rejects.toBe(error); // the run has ended
    expect(onKill.mock.calls).toEqual([['loop']]);
    expect(guard.status()).toMatchObject({
      killed: true,
      kill: { reason: 'loop' },
      run: { stopped: 'loop', calls: 1 },
    });
  });

  it('is off by default, and does not ask for the conversation then', async () => {
    const history = vi.fn(() => stuck(9));
    const { guard } = watching({}, {});
    await ask(guard, [], { history });
    expect(history).not.toHaveBeenCalled();
  });

  it('aborts the calls of the run that are in flight, and no others', async () => {
    const { guard } = watching();
    const signals: AbortSignal[] = [];
    const never = (grant: { signal: AbortSignal }): Promise<CallResult<string>> => {
      signals.push(grant.signal);
      return new Promise(() => {});
    };
    const outside = guard.call(REQUEST, never);
    outside.catch(() => undefined);
    await guard.run(async ({ signal }) => {
      const inside = expect(guard.call(REQUEST, never)).rejects.toBeInstanceOf(LoopDetectedError);
      await expect(ask(guard, stuck(4))).rejects.toBeInstanceOf(LoopDetectedError);
      await inside;
      expect(signal.aborted).toBe(true);
    });
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    expect(guard.status().killed).toBe(false);
    await guard.close();
  });

  it('judges each conversation by itself, also where several run at once in one run', async () => {
    const { guard } = watching();
    for (let n = 1; n <= 3; n++) {
      await Promise.all([ask(guard, stuck(n)), ask(guard, stuck(n)), ask(guard, stuck(n))]); // sub-agents that do the same
    }
    await ask(guard, [...stuck(3), other(1)]);
    expect(guard.status().run.calls).toBe(10);
  });

  it('judges a retry like the call that failed', async () => {
    const { guard } = watching();
    for (let n = 0; n < 6; n++) await ask(guard, stuck(3));
  });

  it('goes on after resume(), with what is new', async () => {
    const { guard, onKill } = watching();
    await expect(ask(guard, stuck(4))).rejects.toBeInstanceOf(LoopDetectedError);
    guard.resume();
    await expect(ask(guard, stuck(5))).rejects.toMatchObject({ count: 5 });
    guard.resume();
    await expect(ask(guard, [...stuck(5), { kind: 'user', text: 'Try b.' }])).resolves.toBe('ok');
    expect(onKill.mock.calls).toEqual([['loop'], ['loop']]);
  });

  it('only reports under observe', async () => {
    const { guard, onKill } = watching({ mode: 'observe' });
    const denied = vi.fn();
    guard.on('denied', denied);
    await expect(ask(guard, stuck(4))).resolves.toBe('ok');
    expect(denied.mock.calls).toMatchObject([[{ enforced: false, error: { code: 'KAVACH_LOOP_DETECTED' } }]]);
    expect(onKill).not.toHaveBeenCalled();
    expect(guard.status()).toMatchObject({ killed: false, run: { stopped: null } });
  });

  it('takes loopThreshold as the count of every rule', async () => {
    const { guard } = watching({}, { detectLoops: true, loopThreshold: 2 });
    await expect(guard.run(() => ask(guard, stuck(2)))).rejects.toMatchObject({ rule: 'repeated-call', limit: 2 });
    const round = [STUCK, other(1)];
    await expect(guard.run(() => ask(guard, [...round, ...round]))).rejects.toMatchObject({ rule: 'cycle', limit: 2 });
  });

  it('leaves embeddings and images alone', async () => {
    const { guard } = watching();
    await expect(ask(guard, stuck(4), { kind: 'embedding' })).resolves.toBe('ok');
  });

  it('does not let a conversation that can’t be read harm the call', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const { guard } = watching();
    const history = (): never => {
      throw new Error('no such message');
    };
    await expect(ask(guard, [], { history })).resolves.toBe('ok');
    expect(warn.mock.calls.flat().join()).toContain('no such message');
  });

  it('asks once for a call that waits for room', async () => {
    const { guard } = watching();
    guard.setLimit('total', 0.0003); // room for one
    const history = vi.fn(() => stuck(1));
    let answer: ((result: CallResult<string>) => void) | undefined;
    const first = guard.call(REQUEST, () => new Promise<CallResult<string>>((resolve) => (answer = resolve)));
    const second = ask(guard, [], { history });
    answer?.({ value: 'ok', usage: { inputTokens: 10, outputTokens: 0 } });
    await Promise.all([first, second]);
    expect(history).toHaveBeenCalledOnce();
  });

  it('reads the conversation out of the input where the adapter does not give it', async () => {
    const { guard } = watching();
    const messages = [1, 2, 3, 4].flatMap((n) => [
      { role: 'assistant', tool_calls: [{ id: `c${n}`, function: { name: 'read', arguments: '{"path": "a"}' } }] },
      { role: 'tool', tool_call_id: `c${n}`, content: 'A' },
    ]);
    const send = (input: unknown): Promise<string> => ask(guard, [], { input, history: undefined });
    await send({ messages: messages.slice(0, 6) });
    await expect(send({ messages })).rejects.toMatchObject({ rule: 'repeated-call', count: 4 });
  });
});
