/** A stack in a process of its own, for the tests that watch how a process ends: `stack-process.ts <folder> <how>`. */
import { startStack } from '../src/index.ts';

const [, , dataDir = '', how] = process.argv;
const stack = await startStack({ dataDir });
console.info(JSON.stringify({ url: stack.url, organisation: stack.organisation }));
if (how === 'stop') await stack.stop();
