/**
 * Conversations of agents that are stuck. Some repeat themselves in ways that the rules can't see: they are here to keep
 * the recall honest.
 */
import { call, fail, says, times, together, traces, user, type Trace } from './trace.ts';

const task = user('Fix the failing test in src/parser.ts.');

const stuck = traces('stuck', true, {
  'reads the same file for ever': [
    task,
    ...times(6, () => [call('read_file', { path: 'src/parser.ts' }, 'export {}')]),
  ],
  'searches what is not there': [
    task,
    ...times(5, (n) => [says(`Attempt ${n}: let me search once more.`), call('grep', { pattern: 'parseX' }, '')]),
  ],
  'lists a folder, whose listing is an object': times(4, () => [
    call('list_dir', { path: '.' }, { files: ['a.ts', 'b.ts'], count: 2 }),
  ]),
  'runs a test that stays red': [
    task,
    call('edit', { path: 'src/parser.ts', find: 'a', replace: 'b' }, 'edited'),
    ...times(5, () => [call('bash', { command: 'npm test' }, '1 failed: expected 3, got 2')]),
  ],
  'edits with a text that is not in the file': times(3, () => [
    fail('edit', { path: 'a.ts', find: 'foo()', replace: 'bar()' }, 'No match for find in a.ts'),
  ]),
  'writes where it may not': times(5, () => [
    says('I will try to save the file again.'),
    fail('write_file', { path: '/etc/hosts', content: 'x' }, { code: 'EACCES', path: '/etc/hosts' }),
  ]),
  'asks a server that is down': times(4, () => [fail('http_get', { url: 'https://api.test/v1' }, 'HTTP 503')]),
  'leaves out a field each time': times(3, () => [
    fail('create_event', { title: 'Standup' }, 'Invalid arguments: start is required'),
  ]),
  'calls a tool that does not exist': times(4, () => [fail('browse', { q: 'x' }, 'Unknown tool browse')]),
  'looks whether it is done although it is': times(6, () => [call('get_status', {}, { state: 'done' })]),
  'fetches a page that never changes': times(5, () => [call('fetch', { url: 'https://a.test' }, '<html>404</html>')]),
  'goes round after good work': [
    task,
    ...times(10, (n) => [call('read_file', { path: `src/${n}.ts` }, `content ${n}`)]),
    ...times(4, () => [call('read_file', { path: 'src/1.ts' }, 'content 1')]),
  ],
  'meets its error after good work': [
    task,
    call('read_file', { path: 'a.ts' }, 'A'),
    call('edit', { path: 'a.ts', find: 'A', replace: 'B' }),
    says('Now the types.'),
    ...times(3, () => [fail('bash', { command: 'tsc' }, 'command not found: tsc')]),
  ],
  'is told to continue by its driver': [
    task,
    ...times(4, () => [call('grep', { pattern: 'x' }, 'no match'), says('I have not found it yet.'), user('continue')]),
  ],
  'waits for a job that has died': times(30, () => [call('job', { id: 7 }, { state: 'pending', updated: '09:00' })]),
  'queries an empty table': times(8, () => [call('sql', { query: 'select * from t' }, { rows: [] })]),
  'gets the same megabyte each time': times(4, () => [call('dump', { table: 'logs' }, 'x'.repeat(1_000_000))]),
  'is refused by the user each time': times(3, () => [fail('rm', { path: 'build' }, 'The user denied this call')]),
  'asks for the same human help': times(4, () => [call('ask_human', { question: 'Which key?' }, 'Nobody is there')]),
  'clicks a button that does nothing': times(5, () => [
    call('click', { selector: '#save' }, { url: '/edit', dom: 42 }),
  ]),
});

const forms = traces('argument forms', true, {
  'JSON text with other whitespace': [
    call('fetch', '{"url":"https://a.test","depth":1}', 'same'),
    call('fetch', '{ "url": "https://a.test", "depth": 1 }', 'same'),
    call('fetch', '{\n  "url": "https://a.test",\n  "depth": 1\n}', 'same'),
    call('fetch', '{"url":"https://a.test", "depth":1}', 'same'),
  ],
  'keys in another order': times(4, (n) => [
    call('fetch', n % 2 === 0 ? { url: 'u', depth: 1 } : { depth: 1, url: 'u' }, 'same'),
  ]),
  'keys in another order inside a list': times(4, (n) => [
    call('draw', { points: [n % 2 === 0 ? { x: 1, y: 2 } : { y: 2, x: 1 }] }, 'drawn'),
  ]),
  'numbers written otherwise': ['1', '1.0', '1e0', '1.00'].map((n) => call('page', `{"n": ${n}}`, 'same')),
  'characters written otherwise': ['é', '\\u00e9', 'é', '\\u00E9'].map((e) => call('find', `{"q": "caf${e}"}`, 'none')),
  'no arguments in four ways': ['', '{}', undefined, {}].map((args) => call('get_inbox', args, 'empty')),
  'a field that is left out or undefined': times(4, (n) => [
    call('find', n % 2 === 0 ? { q: 'a' } : { q: 'a', cursor: undefined }, 'none'),
  ]),
  'errors for arguments in another order': times(3, (n) => [
    fail('move', n % 2 === 0 ? '{"from":"a","to":"b"}' : '{"to":"b", "from":"a"}', 'No such file: a'),
  ]),
});

const cycles = traces('cycle', true, {
  'opens and closes': times(3, () => [call('open', { file: 'a' }, 'opened'), call('close', { file: 'a' }, 'closed')]),
  'makes an edit and takes it back': [
    task,
    ...times(4, () => [
      call('edit', { find: 'let', replace: 'const' }, 'edited'),
      call('edit', { find: 'const', replace: 'let' }, 'edited'),
    ]),
  ],
  'edits and tests the same': times(3, () => [
    call('write', { path: 'a.ts', content: 'v1' }, 'written'),
    call('bash', { command: 'npm test' }, '1 failed'),
  ]),
  'searches, opens, goes back': times(3, () => [
    call('search', { q: 'price' }, ['a', 'b']),
    call('open', { id: 'a' }, 'no price here'),
    call('back', {}, 'ok'),
  ]),
  'narrates its rounds': times(3, (n) => [
    says(`Round ${n}.`),
    call('git', { args: ['pull'] }, 'Already up to date.'),
    says('Let me check.'),
    call('git', { args: ['status'] }, 'clean'),
  ]),
  'fails in turns': times(3, () => [
    fail('read', { path: 'a' }, 'ENOENT: a'),
    fail('read', { path: 'b' }, 'ENOENT: b'),
  ]),
  'four calls': times(3, () => ['a', 'b', 'c', 'd'].map((page) => call('open', { page }, `page ${page}`))),
  'five calls': times(4, () => ['a', 'b', 'c', 'd', 'e'].map((page) => call('open', { page }, `page ${page}`))),
  'two equal calls and another': times(3, () => [
    call('wait', { seconds: 1 }, 'waited'),
    call('wait', { seconds: 1 }, 'waited'),
    call('read', { path: 'out' }, ''),
  ]),
  'after a start of its own': [
    call('plan', { goal: 'x' }, 'planned'),
    call('open', { page: 'z' }, 'page z'),
    ...times(3, () => [call('open', { page: 'a' }, 'A'), call('open', { page: 'b' }, 'B')]),
  ],
  'six calls, one more than is looked for': times(5, () =>
    ['a', 'b', 'c', 'd', 'e', 'f'].map((page) => call('open', { page }, `page ${page}`)),
  ),
});

const parallel = traces('parallel', true, {
  'the same call twice in each answer': times(5, () =>
    together(...times(2, () => [call('search', { q: 'a' }, 'nothing')])),
  ),
  'the same failing call three times in each answer': times(4, () =>
    together(...times(3, () => [fail('fetch', { u: 1 }, 'HTTP 503')])),
  ),
  'two tools at once, round by round': times(4, () => together(call('status', {}, 'red'), call('log', {}, 'no news'))),
  'three at once, two of them the same': times(4, () =>
    together(call('read', { path: 'a' }, 'A'), call('read', { path: 'a' }, 'A'), call('test', {}, 'red')),
  ),
  'once, then twice at once, and so on': times(6, (n) =>
    together(...times(1 + (n % 2), () => [call('search', { q: 'a' }, 'nothing')])),
  ),
  'six different calls at once, round by round': times(4, () =>
    together(...['a', 'b', 'c', 'd', 'e', 'f'].map((path) => call('read', { path }, path))),
  ),
});

const noise = traces('noise', true, {
  'the same call, with another in between each time': times(6, (n) => [
    call('read', { path: 'a.ts' }, 'A'),
    call('think', { thought: `Idea ${n}` }, 'ok'),
  ]),
  'the same failing call with thoughts that differ': times(6, (n) => [
    fail('bash', { command: 'make' }, 'make: not found'),
    call('note', { text: `Try ${n}` }, 'noted'),
  ]),
  'the same search in other words': ['weather paris', 'paris weather', 'weather in Paris', 'Paris, weather'].flatMap(
    (q) => [call('search', { q }, 'no results'), call('search', { q: `${q}?` }, 'no results')],
  ),
  'errors that carry the time': times(6, (n) => [fail('connect', { host: 'db' }, `12:00:0${n} connection refused`)]),
  'results that carry an id': times(6, (n) => [call('ticket', { id: 4 }, { requestId: `r${n}`, state: 'open' })]),
});

const monologues = traces('monologue', true, {
  'announces and never acts': [task, ...times(3, () => [says('I will now fix the test.')])],
  'is told to continue': times(4, () => [says('Shall I go on?'), user('continue')]),
  'with other whitespace': [says('Done.'), says('Done. '), says('\nDone.')],
  'after good work': [
    task,
    call('read', { path: 'a' }, 'A'),
    says('The test is fixed.'),
    ...times(3, () => [user('Please go on.'), says('All is done.')]),
    user('Please go on.'),
  ],
  'says the same long text': times(3, () => [says('I apologise for the confusion. '.repeat(400))]),
  'in two sentences by turns': times(5, () => [says('Shall I go on?'), says('I go on.')]),
  'in other words each time': [
    says('I will start now.'),
    says('Now I start.'),
    says('Starting now.'),
    says('I start.'),
  ],
});

const subAgents = traces('sub-agent', true, {
  'gives the same task to one that fails': times(3, () => [
    fail('delegate', { agent: 'coder', task: 'Fix it' }, 'The sub-agent gave up.'),
  ]),
  'gets the same answer from its critic': times(4, () => [
    call('critic', { draft: 'v1' }, { verdict: 'Make it shorter.' }),
  ]),
  'hands over and gets it back': times(3, () => [
    call('transfer_to_sales', {}, 'transferred'),
    call('transfer_to_support', {}, 'transferred'),
  ]),
  'two agents that thank each other': times(3, () => [says('Thank you!'), user('You are welcome!')]),
  'two agents that count their rounds': times(8, (n) => [says(`Round ${n}: over to you.`), user(`Round ${n}: back.`)]),
});

/** All traces that end in a loop. */
export const LOOP_TRACES: readonly Trace[] = [
  ...stuck,
  ...forms,
  ...cycles,
  ...noise,
  ...monologues,
  ...subAgents,
  ...parallel,
];
