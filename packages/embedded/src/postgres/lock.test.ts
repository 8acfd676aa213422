import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataFolderInUseError } from './errors.ts';
import { acquireLock, holderOf } from './lock.ts';
import { beginningOf } from './process-identity.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kavach-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A number that no process has: it had one, which ended. */
async function endedProcess(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid!;
}

describe('the lock of a data folder', () => {
  it('tells a second one who holds it, since when, and where it answers', () => {
    const since = Date.parse('2026-01-02T03:04:05Z');
    const lock = acquireLock(folder, since);
    lock.answerAt('http://127.0.0.1:4000');
    expect(() => acquireLock(folder)).toThrow(DataFolderInUseError);
    expect(() => acquireLock(folder)).toThrow(
      `process ${process.pid} holds it since 2026-01-02T03:04:05.000Z and answers at http://127.0.0.1:4000`,
    );
    expect(holderOf(folder)).toEqual({ pid: process.pid, since, url: 'http://127.0.0.1:4000' });
  });

  it('is free again after its release', () => {
    acquireLock(folder).release();
    expect(holderOf(folder)).toBeUndefined();
    acquireLock(folder).release();
    expect(readdirSync(folder)).toEqual(['owner.2.json']);
  });

  it('passes to the next one when its holder has ended', async () => {
    writeFileSync(join(folder, 'owner.7.json'), JSON.stringify({ pid: await endedProcess(), since: 0 }));
    expect(holderOf(folder)).toBeUndefined();
    acquireLock(folder);
    expect(readdirSync(folder)).toEqual(['owner.8.json']);
  });

  it('does not take another process with the same number for its holder', () => {
    const entry = { pid: process.pid, since: 0, beginning: `not ${beginningOf(process.pid) ?? ''}` };
    writeFileSync(join(folder, 'owner.1.json'), JSON.stringify(entry));
    acquireLock(folder);
    expect(holderOf(folder)?.since).toBeGreaterThan(0);
  });

  it('goes to one of several processes that find a stale one at once', async () => {
    writeFileSync(join(folder, 'owner.1.json'), JSON.stringify({ pid: await endedProcess(), since: 0 }));
    const program = `
      import { acquireLock } from ${JSON.stringify(new URL('lock.ts', import.meta.url).href)};
      process.stdin.once('data', () => {
        try { acquireLock(${JSON.stringify(folder)}); console.log('won'); } catch (error) { console.log(error.name); }
        process.stdin.once('end', () => process.exit());
      });
      console.log('ready');
    `;
    const children = Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      child.stdout.setEncoding('utf8');
      return child;
    });
    await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
    const answers = children.map(({ stdout }) => once(stdout, 'data'));
    for (const { stdin } of children) stdin.write('go');
    const said = (await Promise.all(answers)).map(([text]) => String(text).trim());
    expect(said.sort()).toEqual(['DataFolderInUseError', 'DataFolderInUseError', 'DataFolderInUseError', 'won']);
    const ended = children.map((child) => once(child, 'exit'));
    for (const { stdin } of children) stdin.end();
    await Promise.all(ended);
  });
});
