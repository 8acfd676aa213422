import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { BackendClient } from '../../../src/backend/client.ts';
import { BackendLink } from '../../../src/backend/link.ts';
import { realtimeChannels } from '../../../src/backend/realtime.ts';
import { Inbox } from './fake-realtime.ts';
import { BackendError } from '../../../src/wire/backend-error.ts';
import type { ConnectAnswer } from '../../../src/wire/index.ts';
import { startControlBackend, type ControlBackend } from './control-backend.ts';

let backend: ControlBackend;
beforeAll(async () => {
  backend = await startControlBackend();
});
afterAll(() => backend[Symbol.asyncDispose]());

const links: BackendLink[] = [];
afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
});

/** A link whose poll never comes while the channel is live. */
function linkOf(agent: string, apiKey = backend.key) {
  const news = new Inbox<string>();
  const answers: ConnectAnswer[] = [];
  const link = new BackendLink({
    client: new BackendClient({ url: backend.url, apiKey }),
    request: () => ({
      sdk: 'js/0.1.0',
      instance: crypto.randomUUID(),
      agent,
      budgets: [
        {
          id: 'daily',
          scope: 'agent',
          name: null,
          unit: 'usd',
          period: 'daily',
          timeZone: 'UTC',
          limit: 5_000_000_000,
        },
      ],
    }),
    openChannel: realtimeChannels(),
    listener: {
      onConnect: (answer) => answers.push(answer),
      onAgentState: ({ killed, epoch, by }) => news.add(killed ? `killed ${epoch} by ${by}` : `running ${epoch}`),
      onLimit: (_id, limit) => news.add(`limit ${limit}`),
      onRejection: (reason) => news.add(`rejected ${reason}`),
      onUnavailable: ({ kind }) => news.add(`unavailable ${kind}`),
    },
    pollMs: 3_600_000,
  });
  links.push(link);
  link.start();
  return { link, news, answers };
}

/** When the link has read the state again, after the channel was joined. */
const live = (link: BackendLink, answers: readonly unknown[]): Promise<void> =>
  expect.poll(() => link.isLive && answers.length > 1, { interval: 5, timeout: 10_000 }).toBe(true);

it('hears of a kill, a resume and a limit at once, and takes the backend’s clock', async () => {
  const { link, news, answers } = linkOf('bot');
  expect(await news.next()).toBe('running 0');
  await live(link, answers);
  await backend.kill();
  expect(await news.next()).toBe('killed 1 by ops');
  await backend.resume();
  expect(await news.next()).toBe('running 2');
  const { budgetId } = answers[0]!.budgets[0]!;
  await backend.sql`select kavach.set_limit(${budgetId}, 7.5)`;
  expect(await news.next()).toBe('limit 7500000000');
  expect(Math.abs(answers[0]!.serverTime - Date.now())).toBeLessThan(60_000);
  expect(answers).toHaveLength(2); // nothing came by the poll
});

it('does not hear of other agents', async () => {
  const one = linkOf('one');
  const two = linkOf('two');
  await Promise.all([live(one.link, one.answers), live(two.link, two.answers)]);
  await backend.kill('one');
  await backend.kill('two');
  expect([await two.news.next(), await two.news.next()]).toEqual(['running 0', 'killed 1 by ops']);
  expect(one.news.all).toEqual(['running 0', 'killed 1 by ops']);
});

it('reads what it missed while Realtime was away, and hears again afterwards', async () => {
  const { link, news, answers } = linkOf('away');
  await live(link, answers);
  await backend.stopRealtime();
  await expect.poll(() => link.isLive, { interval: 5 }).toBe(false);
  await backend.kill('away');
  await backend.resume('away');
  await backend.kill('away');
  await backend.startRealtime();
  expect([await news.next(), await news.next()]).toEqual(['running 0', 'killed 3 by ops']);
  await expect.poll(() => link.isLive, { interval: 5, timeout: 30_000 }).toBe(true);
  await link.refresh();
  await backend.resume('away');
  expect(await news.next()).toBe('running 4');
});

it('is told of 50 kills and resumes once each and in order', async () => {
  const { link, news, answers } = linkOf('busy');
  await live(link, answers);
  for (let pair = 0; pair < 25; pair += 1) {
    await backend.kill('busy');
    await backend.resume('busy');
  }
  const told: string[] = [];
  while (told.at(-1) !== 'running 50') told.push(await news.next());
  const epochs = told.map((each) => Number(each.split(' ')[1]));
  expect(epochs).toEqual([...epochs].sort((one, other) => one - other));
  expect(new Set(epochs).size).toBe(epochs.length);
});

it('is rejected with a key that the backend does not know, and with one that was revoked', async () => {
  const unknown = linkOf('bot', `${backend.key.slice(0, -1)}${backend.key.endsWith('0') ? '1' : '0'}`);
  expect(await unknown.news.next()).toBe('rejected key_revoked');
  expect(unknown.link.state).toBe('rejected');
});

it('changes a limit with the key of the SDK, while code manages it', async () => {
  const { news, answers, link } = linkOf('own-limit');
  await live(link, answers);
  const client = new BackendClient({ url: backend.url, apiKey: backend.key });
  const { budgetId } = answers[0]!.budgets[0]!;
  await client.setLimit(budgetId, 2.25);
  expect([await news.next(), await news.next()]).toEqual(['running 0', 'limit 2250000000']);
  await expect(client.setLimit(budgetId, -1)).rejects.toMatchObject({ kind: 'refused', status: 422 });
  await expect(client.setLimit(crypto.randomUUID(), 1)).rejects.toBeInstanceOf(BackendError);
});
