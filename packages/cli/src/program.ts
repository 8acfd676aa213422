/** The program `agentkavach` on a Node that is new enough: its streams, signals and arguments. */
import { runCli } from './cli.ts';

const stop = new AbortController();
// A second Ctrl-C ends the process at once, as usual.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
// `agentkavach tail | head` closes the pipe; nobody is left to print for.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort());

process.exitCode = await runCli(process.argv.slice(2), {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  env: process.env,
  cwd: process.cwd(),
  fetch,
  now: () => Date.now(),
  signal: stop.signal,
});
