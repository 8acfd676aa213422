#!/usr/bin/env node
/** What `agentkavach` starts with: a look at Node's version, before anything is loaded that an old Node fails at. */
import { isNewEnough, LEAST_NODE } from './node-version.ts';

const { node } = process.versions;
if (isNewEnough(node)) {
  // Not awaited: at the top level an old Node would not even read it.
  void import('./program.ts');
} else {
  const message = `agentkavach needs Node ${LEAST_NODE} or newer, and this is Node ${node} (${process.execPath}). Install a newer one from https://nodejs.org, or switch with your version manager.`;
  if (process.argv.includes('--json')) console.log(JSON.stringify({ error: { code: 'node_too_old', message } }));
  else console.error(message);
  process.exitCode = 1;
}
