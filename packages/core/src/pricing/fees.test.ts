import { describe, expect, it } from 'vitest';
import { ceilingPrice, costOf, customPrice, findPrice, type Price } from './price.ts';

describe('tool fees', () => {
  it('charges a container by its memory, and no other tool as if it were one', () => {
    const gpt4o = known('openai', 'gpt-4o');
    const sonnet = known('anthropic', 'claude-sonnet-4-5');
    const fee = (own: Price, name: string) => costOf(own, { toolCalls: { [name]: 1 } }) / 1e9;
    expect(fee(gpt4o, 'code_execution')).toBe(0.03);
    expect(fee(gpt4o, 'code_execution_4g')).toBe(0.12);
    expect(fee(gpt4o, 'code_execution_16g')).toBe(0.48);
    expect(fee(gpt4o, 'code_execution_64g')).toBe(1.92);
    expect(fee(gpt4o, 'code_execution_1t')).toBe(1.92);
    expect(fee(gpt4o, 'teleport')).toBe(0.03);
    expect(fee(customPrice({ inputPerMillion: 1, outputPerMillion: 1 }, 'a'), 'code_execution_64g')).toBe(1.92);
    expect(fee(ceilingPrice('openai', 'a'), 'code_execution_64g')).toBe(1.92);
    expect(fee(sonnet, 'code_execution_64g')).toBe(0.05);
  });
});

function known(provider: string, model: string): Price {
  const price = findPrice(provider, model, Date.parse('2026-11-23'));
  if (price === undefined) throw new Error(`${provider}/${model} is not in the catalog`);
  return price;
}
