import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { json, run } from '../testing/terminal.ts';

const place = { cwd: tmpdir() };
afterEach(() => vi.unstubAllEnvs());

describe('demo', () => {
  it('stops a loop below its limit, on the bill that the provider kept', async () => {
    const { exit, out, err } = await run(place, 'demo');
    expect([exit, err]).toEqual([0, '']);
    expect(out).toMatch(/^ {2}call {2}1 {3}/m);
    expect(out).toContain("STOPPED: onKill('cost')");
    expect(out).toContain('KAVACH_BUDGET_EXCEEDED: ');
    const [spent, billed] = [/spent +\$([\d.]+) {3}in/, /bill +\$([\d.]+)/].map((figure) => figure.exec(out)?.[1]);
    expect(billed).toBe(spent);
    expect(Number(spent)).toBeGreaterThan(0.035);
    expect(Number(spent)).toBeLessThanOrEqual(0.05);
  });

  it('gives programs its figures and nothing else', async () => {
    expect(await json(place, 'demo')).toMatchObject({
      ok: true,
      limit: 0.05,
      calls: expect.toSatisfy((calls: number) => calls > 5 && calls < 30),
      stopped: { code: 'KAVACH_BUDGET_EXCEEDED' },
    });
  });

  it('has nothing to do with the backend and the budget of the environment', async () => {
    const server = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const requests: unknown[] = [];
    server.on('request', ({ url }) => requests.push(url));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    vi.stubEnv('AGENTKAVACH_URL', url);
    vi.stubEnv('AGENTKAVACH_API_KEY', `ak_dev_${'x'.repeat(44)}`);
    vi.stubEnv('AGENTKAVACH_MAX_CALLS_PER_RUN', '1');
    const { calls } = await json<{ calls: number }>(place, 'demo');
    server.close();
    await once(server, 'close');
    expect(requests).toEqual([]);
    expect(calls).toBeGreaterThan(5);
    expect(process.env['AGENTKAVACH_URL']).toBe(url);
  });
});
