/** Every example runs offline against the simulator, and the README shows the very files that run. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startSimulator, type Script } from '@agentkavach/simulator';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const examples = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** A model that asks for its tool for ever where it has one. */
const script: Script = ({ toolNames: [name] }) =>
  name === undefined
    ? { text: 'Hello, bonjour, hola.' }
    : { text: 'Let me look. '.repeat(30), toolCalls: [{ name, arguments: { city: 'Paris' } }] };

describe('examples', () => {
  it('are found', () => expect(examples).toContain('vercel-ai-basic'));

  it.each(examples)('%s runs against the simulator, within its budget', async (name) => {
    await using simulator = await startSimulator({ script });
    const env = {
      ...process.env,
      OPENAI_BASE_URL: simulator.baseURL('openai'),
      OPENAI_API_KEY: 'simulated',
      NO_COLOR: '1',
    };
    const { stdout } = await run(process.execPath, ['--import', 'tsx', `examples/${name}/main.ts`], { cwd: root, env });
    expect(simulator.ledger.requests).toBeGreaterThan(0);
    const spent = /spent: ([\d.e-]+)/.exec(stdout)?.[1];
    expect(Math.round(Number(spent) * 1e9), stdout).toBe(simulator.ledger.totalNano());
  });

  it('of the README are the files that run', () => {
    const readme = readFileSync(`${root}README.md`, 'utf8');
    const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]);
    expect(blocks).toEqual(
      ['vercel-ai-basic', 'any-client'].map((name) => readFileSync(`${here}${name}/main.ts`, 'utf8')),
    );
  });
});
