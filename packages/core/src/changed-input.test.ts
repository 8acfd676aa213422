import { beforeEach, afterEach, describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import { BudgetExceededError } from './errors.ts';
import { byteBound, lengthBound } from './pricing/bound.ts';
import { ControlledStream } from './testing/controlled-stream.ts';
import { deferred, guardFixture } from './testing/index.ts';
import { expectSettled, meteredGuard } from './testing/metered.ts';

const messageOf = (characters: number): { role: string; content: string } => ({
  role: 'user',
  content: 'é'.repeat(characters),
});
const nanoOf = (dollars: number): number => Math.round(dollars * 1e9);

describe('an input that changes while its call waits', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** 5,000 tokens of room, 4,000 of them held by one call; another of 1,500 and its messages waits. */
  async function oneWaiting() {
    const fixture = guardFixture({ budget: Budget.total(5), maxCallSeconds: 86_400 });
    const messages = [messageOf(10)];
    void fixture.ask({ inputTokens: 0, maxOutputTokens: 4_000 });
    const waiting = fixture.ask({ inputTokens: undefined, input: messages, maxOutputTokens: 1_500 });
    const outcome = waiting.catch((error: unknown) => error);
    await vi.waitFor(() => expect(fixture.provider.requests).toBe(1));
    await vi.advanceTimersByTimeAsync(1_000);
    return { ...fixture, messages, outcome };
  }

  const reserved = ({ guard }: { guard: ReturnType<typeof guardFixture>['guard'] }): number =>
    guard.status().budgets[0]!.reserved;

  it('is bounded anew when it is let in', async () => {
    const waiting = await oneWaiting();
    waiting.messages.push(messageOf(500));
    waiting.provider.pending[0]!.answer(0, 0);
    await vi.advanceTimersByTimeAsync(0);
    expect(waiting.provider.requests).toBe(2);
    expect(reserved(waiting)).toBeGreaterThanOrEqual(1.5 + 1); // two bytes each, at the least
    expect(reserved(waiting)).toBeLessThanOrEqual(1.5 + lengthBound(waiting.messages, 'fake') / 1_000);
  });

  it('is bounded anew where it has become another text of the same length', async () => {
    const waiting = await oneWaiting();
    waiting.messages[0]!.content = '日'.repeat(10);
    waiting.provider.pending[0]!.answer(0, 0);
    await vi.advanceTimersByTimeAsync(0);
    expect(waiting.provider.requests).toBe(2);
    expect(reserved(waiting)).toBeGreaterThanOrEqual(1.5 + byteBound(waiting.messages, 'fake') / 1_000);
  });

  it('is refused where it no longer fits, and nothing is sent', async () => {
    const waiting = await oneWaiting();
    waiting.messages.push(messageOf(4_000));
    waiting.provider.pending[0]!.answer(0, 0);
    await vi.advanceTimersByTimeAsync(0);
    const error = await waiting.outcome;
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect((error as BudgetExceededError).requested).toBeGreaterThan(1.5 + 8);
    expect(waiting.provider.requests).toBe(1);
    expect(reserved(waiting)).toBe(0);
  });

  it('keeps its sharper bound where nothing changed', async () => {
    const waiting = await oneWaiting();
    waiting.provider.pending[0]!.answer(0, 0);
    await vi.advanceTimersByTimeAsync(0);
    expect(waiting.provider.requests).toBe(2);
    expect(reserved(waiting)).toBeLessThan(1.5 + lengthBound(waiting.messages, 'fake') / 1_000);
  });
});

describe('an input that changes while its stream is open', () => {
  const changes: [string, (messages: { role: string; content: string }[]) => void][] = [
    ['emptied', (messages) => (messages.length = 0)],
    ['cut short', (messages) => (messages[0]!.content = 'x')],
    ['replaced', (messages) => messages.splice(0, 1, messageOf(5))],
    ['enlarged', (messages) => messages.push(messageOf(9_000))],
  ];

  it.each(changes)('is charged at what is held: %s', async (_, change) => {
    const { guard, booked } = meteredGuard();
    const messages = [messageOf(5_000)];
    const request = { provider: 'test', model: 'round', input: messages, maxOutputTokens: 2_000 };
    const provider = new ControlledStream();
    const stream = await guard.stream(request, async () => provider.as());
    const held = nanoOf(guard.status().budgets[0]!.reserved);
    change(messages);
    await stream.cancel();
    await guard.flush();
    expectSettled(guard, booked, 1);
    expect(nanoOf(booked[0]!.usd)).toBe(held - (2_000 - 512) * 2_000);
    expect(booked[0]!.inputTokens).toBeGreaterThanOrEqual(10_000);
  });

  it('is counted more exactly where it did not change', async () => {
    const { guard, booked } = meteredGuard();
    const request = { provider: 'test', model: 'round', input: [messageOf(5_000)], maxOutputTokens: 2_000 };
    const stream = await guard.stream(request, async () => new ControlledStream().as());
    const held = nanoOf(guard.status().budgets[0]!.reserved);
    await stream.cancel();
    await guard.flush();
    expect(nanoOf(booked[0]!.usd)).toBeLessThan(held - (2_000 - 512) * 2_000);
    expect(booked[0]!.inputTokens).toBeGreaterThanOrEqual(10_000);
  });

  it('does not touch what its provider reports', async () => {
    const { guard, booked } = meteredGuard();
    const messages = [messageOf(5_000)];
    const request = { provider: 'test', model: 'round', input: messages, maxOutputTokens: 2_000 };
    const answer = deferred<{ value: number; usage: { inputTokens: number; outputTokens: number } }>();
    const call = guard.call(request, () => answer.promise);
    messages.length = 0;
    answer.resolve({ value: 1, usage: { inputTokens: 10_000, outputTokens: 10 } });
    await call;
    expect(booked[0]).toMatchObject({ usd: 0.01002, estimated: false });
  });
});
