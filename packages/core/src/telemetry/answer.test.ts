import { describe, expect, it } from 'vitest';
import type { IngestAnswer } from '../wire/index.ts';
import { nonsense } from './answer.ts';

const good = { accepted: 1, duplicates: 1, rejected: [{ index: 2 }], agents: [], budgets: [], serverTime: 0 };
const check = (answer: unknown): string | undefined => nonsense(answer as IngestAnswer, 3);

describe('nonsense', () => {
  it('accepts an answer that counts every event once', () => {
    expect(check(good)).toBeUndefined();
  });

  it.each([
    ['a page', '<html>'],
    ['null', null],
    ['nothing', undefined],
    ['an empty object', {}],
    ['a list', []],
    ['too many', { ...good, accepted: 2 }],
    ['too few', { ...good, duplicates: 0 }],
    ['a negative count', { ...good, accepted: -1, duplicates: 3 }],
    ['a fraction', { ...good, accepted: 0.5, duplicates: 1.5 }],
    ['text for a count', { ...good, accepted: '1' }],
    ['no list of rejected events', { ...good, rejected: 1 }],
    ['an event that was not sent', { ...good, rejected: [{ index: 3 }] }],
    ['an event twice', { ...good, accepted: 0, rejected: [{ index: 2 }, { index: 2 }] }],
    ['an entry that is none', { ...good, rejected: [null] }],
    ['no agents', { ...good, agents: undefined }],
    ['no budgets', { ...good, budgets: null }],
  ])('refuses %s', (_, answer) => {
    expect(check(answer)).toBeTypeOf('string');
  });
});
