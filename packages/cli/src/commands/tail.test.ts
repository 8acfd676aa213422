import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { backend, connect, report } from '../testing/backend.ts';
import { run, start } from '../testing/terminal.ts';

const place = backend();
const FAST = ['--interval', '0.1'];

describe('tail', () => {
  it('prints a line for each event as it arrives, once, until Ctrl-C', async () => {
    await connect(place.stack, 'bot');
    const tail = start(place, 'tail', ...FAST);
    await report(place.stack, 'bot', { model: 'model-1' });
    expect(await tail.line('model-1')).toMatch(
      /^\d{4}-\S+Z {2}bot {2}call {2}model-1 {2}\$0\.012346 {2}1,234 tokens {2}completed$/,
    );
    await connect(place.stack, 'other');
    await report(place.stack, 'other', { type: 'denied', code: 'budget_exceeded', message: 'no\u001b[31m' });
    expect(await tail.line('budget_exceeded')).toMatch(/ {2}other {2}denied {2}budget_exceeded {2}no \[31m$/);
    await report(place.stack, 'bot', { model: 'model-2', estimated: true });
    expect(await tail.line('model-2')).toContain('$0.012346 (estimated)');
    const { exit, out, err } = await tail.stop();
    expect([exit, err, out.split('\n').length]).toEqual([0, '', 3]);
  });

  it('prints one object a line for programs, of one agent', async () => {
    const tail = start(place, 'tail', 'bot', '--json', ...FAST);
    const id = randomUUID();
    await report(place.stack, 'other', {});
    await report(place.stack, 'bot', { id });
    expect(JSON.parse(await tail.line(id))).toMatchObject({ id, agent: 'bot', type: 'call', cost: 0.012345678 });
    const { out } = await tail.stop();
    expect(out.split('\n').map((line) => (JSON.parse(line) as { agent: string }).agent)).not.toContain('other');
  });

  it('follows more events than one page holds', async () => {
    const tail = start(place, 'tail', ...FAST);
    await connect(place.stack, 'busy');
    await report(place.stack, 'busy', ...Array.from({ length: 450 }, (_, i) => ({ runId: `r${i}` })), {
      type: 'denied',
      code: 'the-last',
    });
    await tail.line('the-last');
    const { out } = await tail.stop();
    expect(out.split('\n').filter((line) => line.includes('  busy  '))).toHaveLength(451);
  });

  it('goes by the clock of the backend', async () => {
    const tail = start({ ...place, cwd: place.cwd, now: () => Date.now() + 3_600_000 }, 'tail', ...FAST);
    await report(place.stack, 'bot', { model: 'by-its-clock' });
    await tail.line('by-its-clock');
    await tail.stop();
  });

  it('waits for a backend that restarts, and misses nothing', async () => {
    const tail = start(place, 'tail', ...FAST);
    await report(place.stack, 'bot', { model: 'before' });
    await tail.line('before');
    await place.stop();
    expect(await tail.line('Waiting for it; Ctrl-C ends.')).toBeDefined();
    await place.again();
    await report(place.stack, 'bot', { model: 'after' });
    await tail.line('after');
    const { exit, err } = await tail.stop();
    expect(exit).toBe(0);
    expect(err.split('\n')).toEqual([expect.stringContaining('Waiting'), 'The backend is back.']);
  });

  it('ends at once where waiting does not help', async () => {
    expect((await run(place, 'tail', 'nobody')).exit).toBe(5);
    expect((await run({ cwd: '/' }, 'tail')).exit).toBe(3);
    const env = { AGENTKAVACH_URL: place.stack.url, AGENTKAVACH_OPERATOR_KEY: place.stack.keys.sdk };
    expect((await run({ cwd: '/', env }, 'tail')).exit).toBe(4);
  });
});
