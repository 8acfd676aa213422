import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { run } from './testing/terminal.ts';
import { VERSION } from './version.ts';

const place = { cwd: tmpdir() };
const COMMANDS = ['init', 'demo', 'dev', 'status', 'kill', 'resume', 'budget', 'keys', 'tail', 'doctor'];

describe('help', () => {
  it('is shown when asked for, and for no command at all', async () => {
    for (const argv of [['--help'], ['-h'], ['help'], ['help', 'nonsense'], []]) {
      const { exit, out, err } = await run(place, ...argv);
      expect([exit, err]).toEqual([argv.length === 0 ? 2 : 0, '']);
      for (const command of COMMANDS) expect(out).toContain(`\n  ${command} `);
    }
  });

  it.each(COMMANDS)('of %s has its usage, its options and an example', async (command) => {
    const { exit, out } = await run(place, command, '--help');
    expect(exit).toBe(0);
    expect(out).toMatch(new RegExp(`^Usage: agentkavach ${command}`));
    expect(out).toMatch(new RegExp(`\\n  agentkavach ${command}`));
    expect(Math.max(...out.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(130);
    expect((await run(place, 'help', command)).out).toBe(out);
    const options = (await run(place, command, '--nonsense')).err.match(/--[a-z-]+(?= [<])/g) ?? [];
    for (const option of options) expect(out).toContain(option);
  });

  it('says the version', async () => {
    expect(await run(place, '--version')).toEqual({ exit: 0, out: VERSION, err: '' });
  });
});

describe('what is not understood', () => {
  it.each([
    [['frobnicate'], 'Unknown command "frobnicate". There are: init, demo, dev, status,'],
    [['kil', 'bot'], 'Unknown command "kil". Did you mean kill? There are: init,'],
    [['constructor'], 'Unknown command "constructor".'],
    [['--url', 'x', 'status'], 'The command goes before --url.'],
    [['status', '--frob'], "Unknown option '--frob'."],
    [['status', '--jsno'], "Unknown option '--jsno'. Did you mean --json?"],
    [['kill', 'a', '--raeson=cost'], "Unknown option '--raeson'. Did you mean --reason?"],
    [['status', '-x'], "Unknown option '-x'.\n"],
    [['status', 'a', 'b'], 'Too many words: b.'],
    [['status', '--data'], '--data needs a value.'],
    [['kill'], 'The agent is missing.'],
    [['budget'], 'A word is missing.'],
    [['budget', 'set'], 'The agent or shared or org is missing.'],
    [['budget', 'set', 'a'], 'The budget is missing.'],
    [['budget', 'get', 'a', 'daily', '5'], 'Unknown: budget get. Did you mean set?'],
    [['budget', 'raise', 'a', 'daily', '5'], 'Unknown: budget raise.\n'],
    [['budget', 'set', 'a', 'daily'], 'budget set needs a limit.'],
    [['budget', 'release', 'a', 'daily', '5'], 'budget release takes no limit: 5.'],
    [['budget', 'set', 'a', 'daily', '-1'], '-1 is less than 0'],
    [['budget', 'set', 'a', 'daily', 'abc'], 'The limit must be a number from 0 to 1,000,000,000,000,000, got "abc".'],
    [['budget', 'set', 'a', 'daily', '5', '--unit', 'euro'], '--unit must be one of usd, tokens, calls; got "euro".'],
    [['kill', 'a', '--reason', 'foo'], '--reason must be one of manual, cost,'],
    [['resume', 'a', '--reason', 'cost'], "Unknown option '--reason'."],
    [['keys', 'frobnicate'], 'Unknown: keys frobnicate.\n'],
    [['keys', 'craete', 'app'], 'Unknown: keys craete. Did you mean create?'],
    [['keys', 'create'], 'keys create needs a name.'],
    [['keys', 'list', 'x'], 'keys list takes no further word.'],
    [['keys', 'create', 'a', '--scopes', 'read,fly'], '--scopes must be one of sdk, read, control, admin; got "fly".'],
    [['keys', 'create', 'a', '--environment', 'moon'], '--environment must be one of prod, dev; got "moon".'],
    [['keys', 'create', 'a', '--grace-hours', '1'], '--grace-hours is for keys rotate.'],
    [['keys', 'rotate', 'a', '--grace-hours', '500'], '--grace-hours must be a number from 0 to 168, got "500".'],
    [['dev', '--port', '80x'], '--port must be a number from 0 to 65535, got "80x".'],
    [['dev', '--port', '1.5'], '--port must be a whole number, got "1.5".'],
    [['tail', '--interval', '0'], '--interval must be a number from 0.1 to 3600, got "0".'],
    [['status', '--url', 'hello'], '--url is no address.'],
    [['status', '--url', 'http://example.com'], '--url must begin with https://'],
    [['status', '--url', 'https://me:secret@example.com'], '--url must not hold a user name or a password.'],
  ])('%j exits with 2 and says so', async (argv, says) => {
    const { exit, out, err } = await run(place, ...argv);
    expect([exit, out]).toEqual([2, '']);
    expect(err).toContain(says);
    const asJson = await run(place, ...argv, '--json');
    expect([asJson.exit, asJson.err]).toEqual([2, '']);
    expect(JSON.parse(asJson.out)).toMatchObject({ error: { message: expect.stringContaining(says) } });
  });
});

describe('where no backend is', () => {
  it('says how to get one', async () => {
    const { exit, err } = await run(place, 'status');
    expect(exit).toBe(3);
    expect(err).toContain('Start one with npx agentkavach dev, or set AGENTKAVACH_URL');
  });

  it('asks for a key, in the environment only', async () => {
    const env = { AGENTKAVACH_URL: 'https://example.com', AGENTKAVACH_OPERATOR_KEY: '' };
    const { exit, err } = await run({ ...place, env }, 'status');
    expect(exit).toBe(4);
    expect(err).toContain('AGENTKAVACH_OPERATOR_KEY is not set.');
  });

  it('sends nothing to what is no backend, and names the fault', async () => {
    const answers = [
      { answer: new Response('<html>', { status: 200 }), exit: 1, says: 'but not as this backend does' },
      { answer: new Response('nothing', { status: 404 }), exit: 1, says: 'answered 404, which is no answer' },
      { answer: new Response('', { status: 502 }), exit: 3, says: 'answered 502' },
    ];
    const env = { AGENTKAVACH_URL: 'https://example.com/functions/v1/', AGENTKAVACH_OPERATOR_KEY: 'ak_dev_x' };
    for (const { answer, exit, says } of answers) {
      const asked: string[] = [];
      const fake: typeof fetch = async (url) => {
        asked.push(String(url));
        return answer;
      };
      const outcome = await run({ ...place, env, fetch: fake }, 'status');
      expect(outcome.exit).toBe(exit);
      expect(outcome.err).toContain(says);
      expect(asked).toEqual(['https://example.com/functions/v1/agents?limit=200']);
    }
  });
});

it('shows a fault of its own with its place', async () => {
  const broken: typeof fetch = () => Promise.resolve({ status: 200, text: () => Promise.resolve('{}') } as Response);
  const env = { AGENTKAVACH_URL: 'https://example.com', AGENTKAVACH_OPERATOR_KEY: 'ak_dev_x' };
  const { exit, err } = await run({ ...place, env, fetch: broken }, 'status');
  expect(exit).toBe(1);
  expect(err).toMatch(/^Unexpected: TypeError/);
  expect(err).toContain('api.ts');
});
