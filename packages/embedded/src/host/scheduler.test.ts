import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startScheduler } from './scheduler.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const lines: string[] = [];
const log = (line: string) => void lines.push(line);
beforeEach(() => lines.splice(0));

it('runs the jobs at once and then every ten seconds, one round at a time', async () => {
  let rounds = 0;
  let finish = Promise.withResolvers<undefined>();
  const job = () => {
    rounds += 1;
    return finish.promise;
  };
  const scheduler = startScheduler({ jobs: { job }, log });
  expect(rounds).toBe(1);
  await vi.advanceTimersByTimeAsync(35_000);
  expect(rounds).toBe(1);
  finish.resolve(undefined);
  finish = Promise.withResolvers();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(rounds).toBe(2);
  finish.resolve(undefined);
  await scheduler.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(rounds).toBe(2);
  expect(vi.getTimerCount()).toBe(0);
});

it('tells a failure once, goes on with the next job, and tells when it works again', async () => {
  let failure: string | undefined = 'no table';
  let others = 0;
  const first = async () => {
    if (failure !== undefined) throw new Error(failure);
  };
  const scheduler = startScheduler({ jobs: { first, second: async () => (others += 1) }, log });
  await vi.advanceTimersByTimeAsync(20_000);
  failure = 'no column';
  await vi.advanceTimersByTimeAsync(10_000);
  failure = undefined;
  await vi.advanceTimersByTimeAsync(20_000);
  await scheduler.stop();
  expect(others).toBe(6);
  expect(lines).toEqual([
    'The job first failed and is tried again: no table',
    'The job first failed and is tried again: no column',
    'The job first works again.',
  ]);
});

it('waits for the round that runs, and starts no further job of it', async () => {
  const running = Promise.withResolvers<undefined>();
  let second = false;
  const scheduler = startScheduler({
    jobs: { first: () => running.promise, second: async () => (second = true) },
    log,
  });
  let stopped = false;
  const stopping = scheduler.stop().then(() => (stopped = true));
  await vi.advanceTimersByTimeAsync(0);
  expect(stopped).toBe(false);
  running.resolve(undefined);
  await stopping;
  expect(second).toBe(false);
});
