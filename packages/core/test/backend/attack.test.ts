import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentKavach, Budget } from '@agentkavach/core';
import { startBackend, type TestBackend } from './backend.ts';

let backend: TestBackend;
beforeAll(async () => { backend = await startBackend(); });
afterAll(() => backend[Symbol.asyncDispose]());
type How = 'pass' | 'hang' | '503' | { delayAnswer: Promise<unknown> } ;
async function proxy(how: (path: string) => How) {
  const server = createServer((req, res) => {
    const h = how(req.url ?? '');
    if (h === 'hang') return;
    if (h === '503') { req.resume(); res.writeHead(503).end(); return; }
    const t = new URL(backend.url);
    const out = request({ host: t.hostname, port: t.port, path: req.url, method: req.method, headers: { ...req.headers, host: t.host } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (c: Buffer) => chunks.push(c));
      answer.on('end', () => {
        void (typeof h === 'object' ? h.delayAnswer : Promise.resolve()).then(() => { res.writeHead(answer.statusCode ?? 500, answer.headers); res.end(Buffer.concat(chunks)); });
      });
    });
    out.on('error', () => res.destroy());
    req.pipe(out);
  });
  await new Promise<void>((r) => server.listen(0, '127.0.0.1', r));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => { server.closeAllConnections(); server.close(); } };
}
const prices = { m: { inputPerMillion: 1_000, outputPerMillion: 1_000 } };
function guardOf(agentName: string, budget: Budget | Budget[], more = {}): AgentKavach {
  return new AgentKavach({ agentName, budget, prices, url: backend.url, apiKey: backend.keys.sdk, ...more });
}
const ask = (guard: AgentKavach): Promise<string> =>
  guard.call({ provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 }, () =>
    Promise.resolve({ value: 'ok', usage: { inputTokens: 100, outputTokens: 100 } }));
const until = (f: () => boolean) => expect.poll(f, { timeout: 20_000, interval: 20 }).toBe(true);
const operator = (method: string, path: string, body?: object): Promise<Response> =>
  fetch(`${backend.url}/functions/v1/${path}`, { method, headers: { authorization: `Bearer ${backend.keys.operator}`, 'content-type': 'application/json' }, ...(body !== undefined && { body: JSON.stringify(body) }) });

describe('attack', () => {
  it('A1 connect answers, ingest fails, restart', async () => {
    const p = await proxy((path) => (path.includes('ingest') ? '503' : 'pass'));
    const first = guardOf('a1', Budget.daily(1), { url: p.url });
    for (let i = 0; i < 4; i++) await ask(first);
    await first.close();
    const second = guardOf('a1', Budget.daily(1), { url: p.url });
    await ask(second).catch((e) => e);
    const spent = second.status().budgets[0];
    p.close(); await second.close();
    expect(spent).toMatchObject({ spent: 1 });
  });
  it('A2 kill of one agent must not starve another on the same shared budget', async () => {
    const budget = (): Budget => Budget.shared('a2', { limit: 10, period: 'daily' });
    const a = guardOf('a2-a', budget()); const b = guardOf('a2-b', budget());
    await ask(a); await ask(b);
    await operator('POST', 'agents/a2-a/kill');
    await until(() => a.status().killed);
    let n = 0;
    let err: unknown;
    for (let i = 0; i < 30; i++) await ask(b).then(() => n++, (e) => { err = e; });
    await a.close(); await b.close();
    expect({ n, err: String(err) }).toEqual({ n: 30, err: 'undefined' });
  });
  it('A3 close and reopen the same shared budget in one process', async () => {
    const budget = (): Budget => Budget.shared('a3', { limit: 10, period: 'daily' });
    const a = guardOf('a3', budget()); await ask(a); await a.close();
    const b = guardOf('a3', budget());
    const r = await ask(b).catch((e) => String(e));
    const r2 = await guardOf('a3c', budget(), {waitMs: 0}).call({ provider: 'p', model: 'm', inputTokens: 100, maxOutputTokens: 100 }, () => Promise.resolve({ value: 'ok', usage: { inputTokens: 1, outputTokens: 1 } })).catch((e) => String(e));
    await b.close();
    expect([r, r2]).toEqual(['ok', 'ok']);
  });
  it('A4 setLimit before connect and with no right', async () => {
    const g = guardOf('a4', Budget.daily(50));
    g.setLimit('daily', 1);
    await ask(g);
    const after = g.status().budgets[0]?.limit;
    await g.close();
    expect(after).toBe(1);
  });
  it('A4b setLimit while the backend is away', async () => {
    let down = false;
    const p = await proxy(() => (down ? '503' : 'pass'));
    const g = guardOf('a4b', Budget.daily(50), { url: p.url });
    await ask(g);
    down = true;
    g.setLimit('daily', 1);
    await g.flush();
    down = false;
    await until(() => g.status().backend.state === 'connected');
    // @ts-expect-error poke
    await new Promise((r) => setTimeout(r, 7000));
    const after = g.status().budgets[0]?.limit;
    await g.close(); p.close();
    expect(after).toBe(1);
  });
  it('A5 slow connect answer overlaps an ingest: no money comes back', async () => {
    let release: () => void = () => undefined;
    let n = 0;
    const first = guardOf('a5', Budget.daily(2));
    await ask(first); await ask(first); await first.close();
    const p = await proxy((path) => {
      if (path.includes('connect') && ++n === 2) return { delayAnswer: new Promise<void>((r) => { release = r; }) };
      return 'pass';
    });
    const g = guardOf('a5', Budget.daily(2), { url: p.url });
    await ask(g);
    await until(() => n >= 2);
    await ask(g); await ask(g);
    await g.flush();
    expect(g.status().budgets[0]?.spent).toBe(1);
    release();
    const seen: number[] = [];
    for (let i = 0; i < 40; i++) { seen.push(g.status().budgets[0]?.spent ?? 0); await new Promise((r) => setTimeout(r, 5)); }
    await g.close(); p.close();
    expect([...new Set(seen)]).toEqual([1]);
  });
  it('A6 hanging backend, waitMs 0, first call; close', async () => {
    const p = await proxy(() => 'hang');
    const g = guardOf('a6', Budget.daily(2), { url: p.url, waitMs: 0 });
    const t = Date.now();
    const r = await ask(g).catch((e) => String(e));
    const t1 = Date.now() - t;
    const g2 = guardOf('a6b', Budget.daily(2), { url: p.url, waitMs: 2000 });
    const r2 = await ask(g2).catch((e) => String(e));
    const t2 = Date.now();
    await Promise.all([g.close(), g2.close()]);
    const t3 = Date.now() - t2;
    p.close();
    console.log('A6', r, t1, r2, t3);
    expect([r, r2]).toEqual(['ok', 'ok']);
  });
  it('A6s hanging backend, shared, close', async () => {
    let hang = false;
    const p = await proxy(() => hang ? 'hang' : 'pass');
    const g = guardOf('a6s', Budget.shared('a6s', { limit: 10, period: 'daily' }), { url: p.url });
    await ask(g);
    hang = true;
    await ask(g);
    const t2 = Date.now();
    await g.close();
    console.log('A6s', Date.now() - t2);
    p.close();
    expect(Date.now() - t2).toBeLessThan(8000);
  });
});
