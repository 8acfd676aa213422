/** Conversations of agents that do their work, although they repeat something. */
import { call, fail, says, times, together, traces, user, type Trace } from './trace.ts';

const polling = traces('polling', false, {
  'a job whose progress grows': times(8, (n) => [call('job', { id: 7 }, { progress: n * 10 })]),
  'status and log by turns': times(5, (n) => [
    call('status', { job: 7 }, 'running'),
    call('log', { job: 7 }, `line ${n}`),
  ]),
  'a queue that empties': times(10, (n) => [call('queue_length', {}, 50 - n)]),
  'the time': times(6, (n) => [call('get_time', {}, `2026-01-01T12:00:0${n}Z`)]),
  'pending three times, then done': [
    ...times(3, () => [call('job', { id: 7 }, 'pending')]),
    call('job', { id: 7 }, 'done'),
  ],
  'in bursts': ['pending', 'pending', 'running', 'running', 'running', 'done'].map((s) => call('job', { id: 7 }, s)),
  'sleeps between looks that differ': times(5, (n) => [
    call('sleep', { seconds: 30 }, 'ok'),
    call('deployment', {}, { ready: n, of: 5 }),
  ]),
  'sleeps twice for nothing': [
    ...times(2, () => [call('sleep', { seconds: 30 }, 'ok'), call('deployment', {}, 'starting')]),
    call('sleep', { seconds: 30 }, 'ok'),
    call('deployment', {}, 'ready'),
  ],
  'five machines, round by round': times(4, (n) =>
    ['a', 'b', 'c', 'd', 'e'].map((host) => call('load', { host }, { cpu: n })),
  ),
  'a long listing that grows by a line': times(6, (n) => [call('tail', { file: 'log' }, `${'x'.repeat(9_999)}${n}`)]),
  'an object that differs in its last field': times(6, (n) => [
    call('metrics', {}, { a: 1, b: [1, 2, 3], c: { d: { e: n } } }),
  ]),
  'a build that stays the same for minutes, and ends': [
    ...times(6, () => [call('ci_status', { run: 12 }, 'in_progress')]),
    call('ci_status', { run: 12 }, 'success'),
  ],
});

const pagination = traces('pagination', false, {
  'pages with results': times(9, (n) => [call('list', { page: n }, [`item ${n}`])]),
  'pages without results': times(9, (n) => [call('list', { page: n }, [])]),
  'a cursor from the page before': times(6, (n) => [call('list', { cursor: `c${n}` }, { next: `c${n + 1}` })]),
  'JSON text that differs in one digit': times(6, (n) => [call('list', `{"page": ${n}, "size": 50}`, 'none')]),
  'cursors larger than a JavaScript number': times(6, (n) => [
    call('list', `{"after": 9007199254740993${n}}`, { rows: [] }),
  ]),
  'parts of one file': times(8, (n) => [call('read', { path: 'a.log', offset: n * 1_000 }, '')]),
  'a page read twice for sure': [
    call('list', { page: 1 }, 'a'),
    call('list', { page: 2 }, 'b'),
    call('list', { page: 2 }, 'b'),
    call('list', { page: 3 }, 'c'),
  ],
  'forwards and back': [1, 2, 3, 2, 1, 2, 3, 2, 1].map((page) => call('list', { page }, `page ${page}`)),
});

const retries = traces('retries', false, {
  'twice, then it works': [
    ...times(2, () => [fail('http_get', { url: 'u' }, 'HTTP 503')]),
    call('http_get', { url: 'u' }, 'content'),
  ],
  'waits less each time': times(5, (n) => [fail('search', { q: 'a' }, `Rate limited. Retry in ${10 - n} s`)]),
  'two tries for each of four files': times(4, (n) => times(2, () => [fail('download', { file: n }, 'timed out')])),
  'other arguments, the same error': times(6, (n) => [fail('compile', { flags: `-O${n}` }, 'undefined symbol: main')]),
  'fails twice, works, fails twice': [
    ...times(2, () => [fail('db', { sql: 'select 1' }, 'locked')]),
    call('db', { sql: 'select 1' }, 1),
    ...times(2, () => [fail('db', { sql: 'select 1' }, 'locked')]),
    call('db', { sql: 'select 1' }, 1),
  ],
  'mends its arguments': [
    fail('create', { title: 'x' }, 'start is required'),
    fail('create', { title: 'x', start: '9' }, 'start must be a date'),
    fail('create', { title: 'x', start: '2026-01-01' }, 'end is required'),
    call('create', { title: 'x', start: '2026-01-01', end: '2026-01-02' }, 'created'),
  ],
});

const flaky = traces('flaky tool', false, {
  'every other call fails': times(4, (n) => [
    fail('fetch', { page: n }, 'socket hang up'),
    call('fetch', { page: n }, `page ${n}`),
  ]),
  'fails and works twice over': [
    ...times(2, () => [fail('fetch', { u: 1 }, 'reset'), call('fetch', { u: 1 }, 'x')]),
    call('save', { text: 'x' }),
  ],
  'says another number each time': times(6, (n) => [call('sensor', { id: 1 }, { celsius: 20 + (n % 2) + n / 100 })]),
  'a search that ranks anew each time': times(5, (n) => [
    call('search', { q: 'a' }, n % 2 === 0 ? ['x', 'y', String(n)] : ['y', 'x', String(n)]),
  ]),
});

const repetition = traces('repetition', false, {
  'puts six things into a cart': times(6, (n) => [call('add_to_cart', { sku: `A${n}` })]),
  'writes six files': times(6, (n) => [call('write', { path: `${n}.ts`, content: '' }, 'written')]),
  'writes one file six times, each time otherwise': times(6, (n) => [
    call('write', { path: 'a.ts', content: `v${n}` }, 'written'),
  ]),
  'edits, tests, edits, tests': times(6, (n) => [
    call('edit', { find: `a${n}`, replace: `b${n}` }, 'edited'),
    call('bash', { command: 'npm test' }, '1 failed'),
  ]),
  thinks: times(8, (n) => [call('think', { thought: `Step ${n}` })]),
  'throws dice': [4, 2, 2, 6, 1, 3].map((n) => call('roll', {}, n)),
  'goes down three pages, then reads': [
    ...times(3, () => [call('press', { key: 'PageDown' })]),
    call('screenshot', {}, 'image 1'),
  ],
  'scrolls, and sees something new each time': times(6, (n) => [call('scroll', { by: 500 }, { image: `png ${n}` })]),
  'opens tickets': times(5, (n) => [call('create_ticket', { title: 'Outage' }, { id: `T-${n}` })]),
  'swaps two values': times(5, (n) => [call('set', n % 2 === 0 ? { a: 1, b: 2 } : { a: 2, b: 1 }, `rev ${n}`)]),
  'reads two files twice': times(2, () => [call('read', { path: 'a' }, 'A'), call('read', { path: 'b' }, 'B')]),
  'looks at five healthy machines twice': times(2, () =>
    ['a', 'b', 'c', 'd', 'e'].map((host) => call('health', { host }, 'ok')),
  ),
  'narrates with the same words': times(6, (n) => [says('Let me look at the next one.'), call('read', { n }, `${n}`)]),
  'the same tool for lists in another order': [
    [1, 2, 3],
    [3, 2, 1],
    [2, 1, 3],
    [1, 3, 2],
    [3, 1, 2],
  ].map((ids) => call('sort', { ids }, 'sorted')),
});

const subAgents = traces('sub-agent', false, {
  'gives out one task after the other': times(6, (n) => [call('delegate', { task: `Review file ${n}` }, 'done')]),
  'gets a better draft each time': times(5, (n) => [
    call('writer', { feedback: `Point ${n}` }, `Draft ${n}`),
    call('critic', { draft: `Draft ${n}` }, n < 5 ? 'again' : 'good'),
  ]),
  'asks three experts the same': ['law', 'tax', 'tech'].map((expert) =>
    call('ask', { expert, q: 'Any risk?' }, 'none'),
  ),
});

const parallel = traces('parallel', false, {
  'the same search four times in one answer': [
    ...together(...times(4, () => [call('search', { q: 'a' }, 'nothing')])),
    call('search', { q: 'b' }, 'found'),
  ],
  'three equal failing calls in one answer, then a way around': [
    ...together(...times(3, () => [fail('fetch', { u: 1 }, 'HTTP 503')])),
    call('fetch_mirror', { u: 1 }, 'content'),
  ],
  'orders six of a thing at once': together(...times(6, () => [call('add_to_cart', { sku: 'A1' }, 'added')])),
  'asks three agents the same, and gets one answer': together(
    ...times(5, () => [call('vote', { q: 'Is it safe?' }, 'yes')]),
  ),
  'two looks at once at what moves on': times(4, (n) =>
    together(...times(2, () => [call('job', { id: 7 }, { progress: n * 10 })])),
  ),
  'pages in pairs': times(4, (n) => together(call('list', { page: 2 * n }, []), call('list', { page: 2 * n + 1 }, []))),
  'the same three files twice, all at once': times(2, () =>
    together(...['a', 'b', 'c'].map((path) => call('read', { path }, path))),
  ),
});

const chats = traces('chat', false, {
  'four questions that it may not answer': ['Who won?', 'Who lost?', 'Why?', 'When?'].flatMap((text) => [
    user(text),
    says("I can't help with that."),
  ]),
  'one answer for many users': times(6, (n) => [user(`User ${n}: when do you open?`), says('We open at nine.')]),
  'thanks twice': times(2, () => [user('Thanks!'), says('You are welcome.')]),
  'the weather, asked in other words': ['Weather?', 'And now?', 'How is it now?', 'Any change?'].flatMap((text) => [
    user(text),
    call('weather', { city: 'Bonn' }, 'rain'),
    says('It rains.'),
  ]),
  'a failing search, asked in other words': ['Find it', 'Try again', 'Once more, please'].flatMap((text) => [
    user(text),
    fail('search', { q: 'x' }, 'index offline'),
    says('The search is offline.'),
  ]),
  'three greetings': ['Hi', 'Hello', 'Hey there'].flatMap((text) => [user(text), says('Hello! How can I help?')]),
  'a user who turns cards over': times(5, (n) => [user('next'), says('Here it is.'), call('card', { n }, `card ${n}`)]),
  'a user who asks for the next one each time': times(5, () => [user('next'), says('Here is the next one.')]),
});

/** All traces without a loop. */
export const LEGITIMATE_TRACES: readonly Trace[] = [
  ...polling,
  ...pagination,
  ...retries,
  ...flaky,
  ...repetition,
  ...subAgents,
  ...parallel,
  ...chats,
];
