import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf, listenerOf, refusal, startFixture, type Claims, type Fixture } from './testing/fixture.ts';

let fixture: Fixture;
let owner: Claims;
let stranger: Claims;

beforeAll(async () => {
  fixture = await startFixture();
  owner = await fixture.member(fixture.org, 'owner');
  stranger = await fixture.member(fixture.otherOrg, 'owner');
  await fixture.admin`insert into kavach.agents (org_id, name) values (${fixture.org}, 'bot')`;
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('the control topic', () => {
  const mayListen = (claims: Claims | null, topic: string) =>
    fixture.call<boolean>(claims, (sql) => sql`select private.may_listen(${topic})`);

  it('is heard by members and by tokens made for it', async () => {
    const topic = `org:${fixture.org}:control`;
    expect(await mayListen(owner, topic)).toBe(true);
    expect(await mayListen(listenerOf(fixture.org), topic)).toBe(true);
    expect(await mayListen(keyOf(fixture.org, ['read']), topic)).toBe(true);
  });

  it('is heard by nobody else, and no other topic is', async () => {
    const topic = `org:${fixture.org}:control`;
    expect(await mayListen(listenerOf(fixture.otherOrg), topic)).toBe(false);
    expect(await mayListen(stranger, topic)).toBe(false);
    expect(await mayListen(keyOf(fixture.org, ['sdk']), topic)).toBe(false);
    expect(await mayListen({ ...listenerOf(fixture.org), kavach_topics: ['other'] }, topic)).toBe(false);
    for (const other of [
      '',
      'org::control',
      `org:${fixture.org}`,
      `org:${fixture.org}:control:x`,
      `x${topic}`,
      `org:${fixture.org}:events`,
      `${topic}\nx`,
    ]) {
      expect([other, await mayListen(owner, other)]).toEqual([other, false]);
    }
  });

  it('shows its messages to who may hear it, and takes none from clients', async () => {
    const topic = `org:${fixture.org}:control`;
    await fixture.pool`select kavach.kill_agent(${fixture.org}, 'bot', 'manual', 'Studio')`;
    const heard = (claims: Claims) =>
      fixture.as(claims, async (sql) => {
        await sql`select set_config('realtime.topic', ${topic}, true)`;
        return sql`select payload from realtime.messages where extension = 'broadcast' and event = 'kill' order by inserted_at desc limit 1`;
      });
    const [message] = await heard(listenerOf(fixture.org));
    expect(message!['payload']).toMatchObject({
      type: 'kill',
      agent: 'bot',
      killed: true,
      reason: 'manual',
      by: 'Studio',
    });
    expect([...(await heard(listenerOf(fixture.otherOrg)))]).toEqual([]);
    for (const claims of [owner, listenerOf(fixture.org)]) {
      const send = fixture.as(claims, async (sql) => {
        await sql`select set_config('realtime.topic', ${topic}, true)`;
        return sql`insert into realtime.messages (topic, extension, event, payload, private) values (${topic}, 'broadcast', 'kill', '{}', true)`;
      });
      expect(await refusal(send)).toMatchObject({ sqlstate: '42501' });
    }
  });
});
