import { AgentKavach, Budget } from '@agentkavach/core';
import { describe, expect, it } from 'vitest';
import { coverMastra, coversAround, coversOfMastra, under, union, type Cover } from './cover.ts';

const cover = (guard = new AgentKavach({ budget: Budget.total(1) })): Cover => ({ guard, settings: {}, gateway: {} });

describe('covers', () => {
  it('are one for each guard, however often it is registered, and seen through proxies of the instance', () => {
    const mastra = {};
    const [first, second] = [cover(), cover()];
    for (const each of [first, second, cover(first.guard)]) coverMastra(mastra, each);
    expect(coversOfMastra(mastra)).toEqual([first, second]);
    expect(coversOfMastra(new Proxy(mastra, {}))).toEqual([first, second]);
    expect(Object.keys(mastra)).toEqual([]);
  });

  it('hold for what a run starts, and end with it', async () => {
    const [first, second] = [cover(), cover()];
    const inner = under([first], () => Promise.resolve().then(() => under([second], coversAround)));
    expect(coversAround()).toEqual([]);
    expect(await inner).toEqual([first, second]);
    expect(union([first], [first, second])).toEqual([first, second]);
  });
});
