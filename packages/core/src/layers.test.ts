import { describe, expect, it } from 'vitest';
import { Budget } from './budget/budget.ts';
import type { CallRequest, CallResult, Usage } from './call.ts';
import { BudgetExceededError } from './errors.ts';
import { AgentKavach } from './kavach.ts';
import { guardFixture } from './testing/index.ts';

type Messages = { role: string; content: string }[];
const usageOf = (inputTokens: number, outputTokens: number): Usage => ({ inputTokens, outputTokens });
const answered =
  (usage: Usage | undefined): (() => Promise<CallResult<string>>) =>
  async () => ({ value: 'x', usage });

/** A guard that counts dollars ($1 per 1,000 tokens), tokens and calls, and a request that it holds 750 tokens for. */
function layered() {
  const fixture = guardFixture({
    budget: [Budget.total(90), Budget.tokens(90_000, 'daily'), Budget.calls(9, 'daily')],
    waitMs: 0,
  });
  const messages: Messages = [{ role: 'user', content: 'Hi' }];
  const request = {
    provider: 'fake',
    model: 'fake-1',
    input: messages,
    inputTokens: 50,
    maxOutputTokens: 700,
  } as const satisfies CallRequest;
  const held = (): number[] => fixture.guard.status().budgets.map(({ reserved }) => reserved);
  const spent = (): number[] => fixture.guard.status().budgets.map(({ spent: each }) => each);
  return { ...fixture, messages, request, held, spent };
}

/** Makes an outer call whose callback makes an inner one; what is held while the inner one runs. */
async function nested(
  { guard, held }: ReturnType<typeof layered>,
  outer: CallRequest,
  inner: () => CallRequest,
): Promise<number[]> {
  let during: number[] = [];
  await guard.call(outer, async () => {
    await guard.call(inner(), async () => {
      during = held();
      return { value: 'inner', usage: usageOf(10, 10) };
    });
    return { value: 'outer', usage: usageOf(20, 20) };
  });
  return during;
}

describe('an inner call of the same guard', () => {
  it('is held by the outer one’s bytes where those are what it holds, and not by its length', async () => {
    const world = layered();
    const textOf = (letter: string): Messages => [{ role: 'user', content: letter.repeat(1_000) }];
    world.guard.setLimit('total', 2); // room for the outer one's bytes, and not for three times as many
    const outer = { ...world.request, inputTokens: undefined, input: textOf('a'), maxOutputTokens: 100 };
    const [held] = await nested(world, outer, () => ({ ...outer, input: textOf('b'), identity: outer.input }));
    expect(held).toBeLessThan(1.5);
    const larger = nested(world, outer, () => ({ ...outer, input: textOf('日'), identity: outer.input }));
    await expect(larger).rejects.toThrow(BudgetExceededError);
    expect(world.held()).toEqual([0, 0, 0]);
  });

  const larger: [string, Partial<CallRequest>, number][] = [
    ['a higher cap', { maxOutputTokens: 701 }, 751],
    ['no cap', { maxOutputTokens: undefined }, 50 + 4_096],
    ['more input', { inputTokens: 51 }, 751],
    ['several answers', { candidates: 2 }, 50 + 1_400],
    ['output on top of its cap', { extraOutputTokens: 10 }, 760],
    ['rounds', { inputRounds: 2 }, 800],
    ['another tier', { serviceTier: 'priority' }, 750],
  ];

  it.each(larger)(
    'that asks for %s makes the call hold what it needs, and is no second call',
    async (_, change, tokens) => {
      const all = layered();
      const during = await nested(all, all.request, () => ({ ...all.request, ...change }));
      expect(during).toEqual([tokens / 1_000, tokens, 1]);
      expect(all.spent()).toEqual([0.06, 60, 1]);
      expect(all.held()).toEqual([0, 0, 0]);
    },
  );

  it.each([
    ['the same', {}],
    ['a lower cap', { maxOutputTokens: 699 }],
    ['less input', { inputTokens: 49 }],
  ])('that asks for %s is held and charged once', async (_, change) => {
    const all = layered();
    const during = await nested(all, all.request, () => ({ ...all.request, ...change }));
    expect(during).toEqual([0.75, 750, 1]);
    expect(all.spent()[2]).toBe(1);
  });

  it('whose messages grew makes the call hold the larger input', async () => {
    const all = layered();
    const request = { ...all.request, inputTokens: undefined };
    const during = await nested(all, request, () => {
      all.messages.push({ role: 'assistant', content: 'x'.repeat(2_000) });
      return request;
    });
    expect(during[1]).toBeGreaterThanOrEqual(2_700);
    expect(during[2]).toBe(1);
    expect(all.spent()).toEqual([0.06, 60, 1]);
    expect(all.held()).toEqual([0, 0, 0]);
  });

  it('that is larger is refused where there is no room for the rest', async () => {
    const { guard } = guardFixture({ budget: Budget.total(1), waitMs: 0 });
    const request = { provider: 'fake', model: 'fake-1', input: [{}], inputTokens: 300, maxOutputTokens: 700 };
    let sent = false;
    const inner = { ...request, maxOutputTokens: 701 };
    const call = guard.call(request, () => guard.call(inner, async () => ({ value: { value: (sent = true) } })));
    await expect(call).rejects.toBeInstanceOf(BudgetExceededError);
    expect(sent).toBe(false);
    expect(guard.status().budgets[0]).toMatchObject({ reserved: 0, spent: 0 });
  });

  it('with the cap that the outer one was granted is held once', async () => {
    const { guard } = guardFixture({ budget: [Budget.total(1), Budget.calls(9, 'daily')], waitMs: 0 });
    const request = { provider: 'fake', model: 'fake-1', input: [{}], inputTokens: 100, maxOutputTokens: 5_000 };
    const calls: number[] = [];
    await guard.call({ ...request, canClampOutput: true }, async ({ maxOutputTokens }) => {
      expect(maxOutputTokens).toBe(900);
      await guard.call({ ...request, maxOutputTokens }, async () => {
        calls.push(guard.status().budgets[1]!.reserved);
        return { value: 1, usage: usageOf(100, 900) };
      });
      return { value: 1, usage: usageOf(100, 900) };
    });
    expect(calls).toEqual([1]);
    expect(guard.status().budgets.map(({ spent }) => spent)).toEqual([1, 1]);
  });
});

describe('what layers report', () => {
  it('the same figures are one call', async () => {
    const { guard, request, spent } = layered();
    await guard.call(request, async () => {
      await guard.call(request, answered(usageOf(100, 50)));
      return { value: 1, usage: usageOf(100, 50) };
    });
    expect(spent()).toEqual([0.15, 150, 1]);
  });

  it('a draft and its refinement in one callback are both charged', async () => {
    const { guard, request, spent } = layered();
    await guard.call(request, async () => {
      await guard.call(request, answered(usageOf(100, 50)));
      return { value: 1, usage: usageOf(200, 80) };
    });
    expect(spent()).toEqual([0.43, 430, 1]);
    expect(guard.status().run.tokens).toBe(430);
  });

  it('is charged beside parts that the outer one reports itself', async () => {
    const { guard, request, spent } = layered();
    await guard.call(request, async () => {
      await guard.call(request, answered(usageOf(100, 50)));
      return { value: 1, usage: { ...usageOf(200, 80), parts: [usageOf(1, 2)] } };
    });
    expect(spent()).toEqual([0.433, 433, 1]);
  });

  it.each([
    ['nothing', undefined],
    ['no usage at all', {}],
  ])('an inner layer that reports %s adds nothing', async (_, usage) => {
    const { guard, request, spent } = layered();
    await guard.call(request, async () => {
      await guard.call(request, answered(usage));
      return { value: 1, usage: usageOf(200, 80) };
    });
    expect(spent()).toEqual([0.28, 280, 1]);
  });

  it.each([
    ['one call where all report the same', [usageOf(10, 5), usageOf(10, 5), usageOf(10, 5)], 15],
    ['the innermost on top where it differs', [usageOf(10, 5), usageOf(20, 5), usageOf(20, 5)], 40],
    ['all three where all differ', [usageOf(10, 5), usageOf(20, 5), usageOf(30, 5)], 75],
  ])('three layers are %s', async (_, [inner, middle, outer], tokens) => {
    const { guard, request, spent, held } = layered();
    let during: number[] = [];
    await guard.call(request, async () => {
      await guard.call(request, async () => {
        during = held();
        await guard.call(request, answered(inner));
        return { value: 2, usage: middle };
      });
      return { value: 3, usage: outer };
    });
    expect(during).toEqual([0.75, 750, 1]);
    expect(spent()).toEqual([tokens / 1_000, tokens, 1]);
  });

  it('three layers whose innermost grew are one call', async () => {
    const { guard, request, spent } = layered();
    await guard.call(request, async () => {
      await guard.call(request, async () => {
        await guard.call({ ...request, inputTokens: 51 }, answered(usageOf(51, 5)));
        return { value: 2, usage: usageOf(50, 5) };
      });
      return { value: 3, usage: usageOf(50, 5) };
    });
    expect(spent()).toEqual([0.111, 111, 1]);
  });
});

describe('a callback that sends more than one request of its call', () => {
  const request = { provider: 'p', model: 'm', inputTokens: 10, maxOutputTokens: 10, identity: {} };
  const make = () =>
    new AgentKavach({ budget: Budget.total(1), prices: { m: { inputPerMillion: 1, outputPerMillion: 1 } } });
  const answer = async () => ({ value: 1, usage: { inputTokens: 4, outputTokens: 2 } });

  it('is charged for the first where the second is refused by the provider', async () => {
    const guard = make();
    const call = guard.call(request, async () => {
      await guard.call(request, answer);
      throw Object.assign(new Error('busy'), { status: 503 });
    });
    await expect(call).rejects.toThrow('busy');
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0.000006, reserved: 0 });
  });

  it('is charged for what it sent, though it says that its answer was cached', async () => {
    const guard = make();
    await guard.call(request, async () => ({ value: await guard.call(request, answer), cached: true }));
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0.000006, reserved: 0 });
  });

  const opened = async () => ({
    stream: new ReadableStream<string>({ start: (c) => c.close() }),
    meter: () => undefined,
  });

  it.each([
    ['fails with a status', () => Promise.reject(Object.assign(new Error('busy'), { status: 503 }))],
    ['says that its answer was cached', () => Promise.resolve({ value: 1, cached: true })],
  ])('is charged its reservation where it has read a stream and then %s', async (_title, end) => {
    const guard = make();
    const call = guard.call<number>(request, async () => {
      for await (const chunk of await guard.stream(request, opened)) void chunk;
      return end();
    });
    await call.catch(() => undefined);
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0.00002, reserved: 0 });
  });

  it('costs nothing where the inner layer says that the answer was cached, as the outer does', async () => {
    const guard = make();
    const cached = async () => ({ value: 1, cached: true });
    await guard.call(request, async () => ({ value: await guard.call(request, cached), cached: true }));
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0, reserved: 0 });
  });

  it('costs nothing where its one request is refused by the provider', async () => {
    const guard = make();
    const refused = (): Promise<never> => Promise.reject(Object.assign(new Error('busy'), { status: 503 }));
    await guard.call(request, async () => ({ value: await guard.call(request, refused) })).catch(() => undefined);
    expect(guard.status().budgets[0]).toMatchObject({ spent: 0, reserved: 0 });
  });
});
