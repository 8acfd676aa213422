/** The control topic, and what looks like it, as everybody: nobody hears what is the victim's, and nobody speaks in its name. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRealtime, type Realtime } from '../../../packages/embedded/src/realtime/index.ts';
import { PUBLISHABLE, realtimeTokensOf, type RealtimeTokens } from './testing/realtime-tokens.ts';
import { snapshotsOf } from './testing/snapshot.ts';
import { SECRET, startStage, type Stage } from './testing/stage.ts';
import { sign } from './testing/tokens.ts';
import { WireSocket } from './testing/wire-socket.ts';

let stage: Stage;
let server: Server;
let realtime: Realtime;
let url: string;
let strangers: RealtimeTokens['strangers'];
let unreadable: RealtimeTokens['unreadable'];
let listeners: RealtimeTokens['listeners'];
const reported: unknown[] = [];

beforeAll(async () => {
  stage = await startStage();
  const anon = await sign({ role: 'anon' });
  server = createServer((request, response) => {
    if (!realtime.handleRest(request, response)) response.writeHead(404).end();
  });
  const report = (error: unknown) => void reported.push(error);
  realtime = await startRealtime({
    databaseUrl: stage.adminUrl,
    jwtSecret: SECRET,
    apiKeys: { [PUBLISHABLE]: anon },
    server,
    report,
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  ({ strangers, unreadable, listeners } = await realtimeTokensOf(stage));
});
afterAll(async () => {
  await realtime.stop();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await stage[Symbol.asyncDispose]();
});

async function connect(): Promise<WireSocket> {
  const socket = await WireSocket.open(`ws://${url}/realtime/v1/websocket?vsn=2.0.0&apikey=${PUBLISHABLE}`);
  if (socket === undefined) throw new Error('not let in');
  return socket;
}

/** Topics that are the victim's, or look as if they were. */
function topics(): string[] {
  const { org } = stage.victim;
  const control = `org:${org}:control`;
  return [
    control, `${control}:x`, `${control}\n`, `${control} `, ` ${control}`, `realtime:${control}`, control.toUpperCase(),
    `org:${org.toUpperCase()}:control`, `org:${org.replaceAll('-', '')}:control`, `org:{${org}}:control`, `org:${org}`, `org:${org}:`,
    `org:${org}:*`, `org:${org}:events`, 'org:*:control', 'org:%:control', 'org::control', '*', '%', `org:${org}:ｃontrol`,
    `org:${stage.rival}:control,${control}`, `x' or true or 'x`, `org:${org}:control%00`, 'realtime.messages', 'kavach:events',
  ]; // prettier-ignore
}

const config = (isPrivate: boolean, more: object = {}) => ({
  private: isPrivate,
  broadcast: { self: true, ack: true, ...more },
  presence: { enabled: true, key: 'spy' },
});
const shout = {
  type: 'broadcast',
  event: 'kill',
  payload: { type: 'kill', agent: 'canary-agent', killed: true, epoch: 99 },
};

/** Tries all that a client can on one topic. @returns how it was let in: privately, publicly */
async function attack(
  socket: WireSocket,
  token: string | null,
  topic: string,
): Promise<{ asPrivate: boolean; reason: string }> {
  const name = `realtime:${topic}`;
  const access = token === null ? {} : { access_token: token };
  const { status, response } = await socket.ask(name, 'phx_join', {
    config: config(true, { replay: { since: 0, limit: 25 } }),
    ...access,
  });
  await socket.say(name, 'broadcast', shout);
  await socket.say(name, 'presence', { type: 'presence', event: 'track', payload: { spy: true } });
  return { asPrivate: status === 'ok', reason: response?.reason ?? '' };
}

describe('the topics', () => {
  it('are those that this walk knows: one function sends, on one kind of topic, and one policy lets listen', async () => {
    const senders = await stage.admin<{ name: string }[]>`
      select p.oid::regproc::text as name from pg_proc p
      where p.pronamespace in ('kavach'::regnamespace, 'private'::regnamespace) and p.prosrc ~ 'realtime\\.'`;
    expect(senders.map(({ name }) => name)).toEqual(['private.broadcast']);
    const policies = await stage.admin<
      { cmd: string; roles: string }[]
    >`select cmd, roles::text from pg_policies where schemaname = 'realtime'`;
    expect(policies.map(({ cmd, roles }) => [cmd, roles])).toEqual([['SELECT', '{authenticated}']]);
  });
});

describe('a socket', () => {
  it.each(['', 'x', 'ak_dev_x'])('is not opened with the key %j', async (key) => {
    expect(await WireSocket.open(`ws://${url}/realtime/v1/websocket?vsn=2.0.0&apikey=${key}`)).toBeUndefined();
  });

  it('is not opened with a victim’s API key, nor with tokens that are none', async () => {
    for (const name of unreadable) {
      const key = encodeURIComponent(strangers.get(name) ?? '');
      expect([name, await WireSocket.open(`ws://${url}/realtime/v1/websocket?vsn=2.0.0&apikey=${key}`)]).toEqual([
        name,
        undefined,
      ]);
    }
  });
});

describe('on the control topic', () => {
  it('strangers neither hear nor speak, whatever they join', async () => {
    const snapshot = await snapshotsOf(stage.admin, stage.rival);
    const { org, agent, secrets } = stage.victim;
    const control = `realtime:org:${org}:control`;
    const heard = new Map<string, WireSocket>();
    for (const [name, token] of listeners) {
      const socket = await connect();
      expect(await socket.ask(control, 'phx_join', { config: config(true), access_token: token })).toMatchObject({
        status: 'ok',
      });
      heard.set(name, socket);
    }
    const before = await snapshot();
    const spies = new Map<string, WireSocket>();
    for (const [name, token] of strangers) {
      const socket = await connect();
      for (const topic of topics()) {
        const { asPrivate, reason } = await attack(socket, token, topic);
        expect([name, topic, asPrivate, reason]).toEqual([
          name,
          topic,
          false,
          expect.stringMatching(/^(?:Unauthorized|InvalidJWTToken|JwtSignatureError|unmatched)/),
        ]);
      }
      // The public topic of the same name is another room; there everybody may speak.
      for (const topic of topics().slice(0, 12)) {
        const joined = await socket.ask(`realtime:${topic}`, 'phx_join', {
          config: config(false),
        });
        expect([name, topic, joined.status]).toEqual([name, topic, 'ok']);
        await socket.ask(`realtime:${topic}`, 'broadcast', shout);
        await socket.say(`realtime:${topic}`, 'presence', { type: 'presence', event: 'track', payload: { spy: true } });
        // Into the private room by the back door: a new token does not make a public channel a private one.
        if (token !== null) await socket.say(`realtime:${topic}`, 'access_token', { access_token: token });
      }
      const changes = { config: { ...config(true), postgres_changes: [{ event: '*', schema: 'kavach', table: '*' }] } };
      expect(await socket.ask('realtime:changes', 'phx_join', changes)).toMatchObject({ status: 'error' });
      spies.set(name, socket);
    }
    expect(await snapshot()).toEqual(before);

    await stage.pool`select kavach.kill_agent(${org}, ${agent}, 'manual', 'canary-killer')`;
    for (const [name, socket] of heard) {
      await socket.untilHeard('"canary-killer"');
      const others = socket.received.filter((frame) => !frame.includes('canary-killer') && /kill|spy/.test(frame));
      expect([name, others]).toEqual([name, []]);
    }
    for (const [name, socket] of spies) {
      // What was sent to it before this answer has come before it.
      await socket.ask('realtime:nowhere', 'phx_leave', {});
      const text = socket.received.join('\n');
      const named = [org, stage.rival, agent];
      const leaked = secrets.filter(
        (secret) => secret !== 'canary' && !named.includes(secret) && text.includes(secret),
      );
      expect([name, leaked, text.includes('canary-killer')]).toEqual([name, [], false]);
      socket.close();
    }
    for (const socket of heard.values()) socket.close();
    expect(reported).toEqual([]);
  });

  it('those who may listen may not speak, nor be present, nor hear another organisation', async () => {
    const { org } = stage.victim;
    const control = `realtime:org:${org}:control`;
    const [first, second] = [await connect(), await connect()];
    for (const token of listeners.values()) {
      for (const socket of [first, second]) {
        expect(await socket.ask(control, 'phx_join', { config: config(true), access_token: token })).toMatchObject({
          status: 'ok',
        });
      }
      expect(await first.ask(control, 'broadcast', shout)).toMatchObject({
        status: 'error',
        response: { reason: expect.stringContaining('Unauthorized') },
      });
      expect(await first.ask(control, 'presence', { type: 'presence', event: 'track', payload: {} })).toMatchObject({
        status: 'error',
      });
      for (const topic of topics().slice(1).concat(`org:${stage.rival}:control`)) {
        expect([topic, (await attack(first, token, topic)).asPrivate]).toEqual([topic, false]);
      }
    }
    await second.ask('realtime:nowhere', 'phx_leave', {});
    expect(second.received.filter((frame) => /"broadcast"|presence_diff|canary/.test(frame))).toEqual([]);
    first.close();
    second.close();
  });

  it('a token that is exchanged for a stranger’s ends the listening', async () => {
    const control = `realtime:org:${stage.victim.org}:control`;
    for (const stranger of [
      'another organisation’s SDK',
      'a token signed with another secret',
      'a token with alg none',
    ]) {
      const socket = await connect();
      await socket.ask(control, 'phx_join', { config: config(true), access_token: listeners.get('a member') });
      await socket.say(control, 'access_token', { access_token: strangers.get(stranger) });
      expect([stranger, await socket.ask(control, 'broadcast', shout)]).toEqual([
        stranger,
        { status: 'error', response: { reason: 'unmatched topic' } },
      ]);
      socket.close();
    }
  });
});

describe('over REST', () => {
  it('nobody but the project speaks on the control topic', async () => {
    const { org } = stage.victim;
    const topic = `org:${org}:control`;
    const socket = await connect();
    await socket.ask(`realtime:${topic}`, 'phx_join', {
      config: config(true),
      access_token: listeners.get('a member'),
    });
    for (const [name, token] of [...strangers, ...listeners, ['a wrong key', 'x'] as const]) {
      const headers = {
        'content-type': 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}`, apikey: token }),
      };
      const post = (path: string, body: object) =>
        fetch(`http://${url}/realtime/v1/api/broadcast${path}`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
        });
      for (const answer of [
        await post('', { messages: [{ topic, event: 'kill', payload: shout.payload, private: true }] }),
        await post(`/${encodeURIComponent(topic)}/events/kill?private=true`, shout.payload),
        await post(`/${encodeURIComponent(topic)}/events/kill?private=true&persist=true`, shout.payload),
      ]) {
        expect([name, answer.status]).toEqual([name, expect.toBeOneOf([401, 403, 422])]);
      }
      // Publicly they may, and are not heard in private.
      await post('', { messages: [{ topic, event: 'kill', payload: shout.payload }] });
    }
    await socket.ask('realtime:nowhere', 'phx_leave', {});
    expect(socket.received.filter((frame) => frame.includes('kill'))).toEqual([]);
    socket.close();
  });
});
