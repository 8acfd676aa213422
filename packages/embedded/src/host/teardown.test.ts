import { expect, it } from 'vitest';
import { teardown } from './teardown.ts';

it('runs the steps backwards, once, and all of them although one fails', async () => {
  const undo = teardown();
  const ran: string[] = [];
  undo.add(async () => void ran.push('first'));
  undo.add(async () => {
    ran.push('second');
    throw new Error('second failed');
  });
  undo.add(async () => void ran.push('third'));
  await expect(Promise.all([undo.run(), undo.run()])).rejects.toThrow('second failed');
  await expect(undo.run()).rejects.toThrow('second failed');
  expect(ran).toEqual(['third', 'second', 'first']);
});
