import { expect, it } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { Notice } from './notice.ts';

it('says the same matter no more than once a minute, each by itself', () => {
  const clock = new FakeClock();
  const said: string[] = [];
  const notice = new Notice(clock, (message) => said.push(message));
  notice.say('one');
  notice.say('one again');
  notice.say('two', 'of another matter');
  clock.advance(59_999);
  notice.say('one, still');
  clock.advance(1);
  notice.say('one, a minute later');
  expect(said).toEqual(['one', 'two', 'one, a minute later']);
});
