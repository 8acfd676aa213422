import { describe, expect, it } from 'vitest';
import { promptOf } from './prompt.ts';

describe('promptOf', () => {
  it('reads a text as it is', () => {
    expect(promptOf('Hello')).toBe('Hello');
  });

  it('reads messages of any provider in their order, with who says them', () => {
    const openai = [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: 'data:x' } },
        ],
      },
    ];
    expect(promptOf(openai)).toBe('system: Be brief. user: What is this?');
    expect(promptOf({ contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] })).toBe('user: Hi');
    expect(promptOf({ system: 'S', messages: [{ role: 'user', content: 'U' }] })).toBe('S user: U');
  });

  it('stops soon after what is stored of it', () => {
    const messages = Array.from({ length: 1_000 }, () => ({ role: 'user', content: 'x'.repeat(1_000) }));
    expect(promptOf(messages).length).toBeLessThan(4_000);
  });

  it('survives what can not be read', () => {
    const round: unknown[] = [];
    round.push(round);
    expect(promptOf(round)).toBe('');
    expect(promptOf({ get content(): string { throw new Error('no'); } })).toBe(''); // prettier-ignore
    expect(promptOf(undefined)).toBe('');
    expect(promptOf(42)).toBe('');
  });
});
