/** Says once that Node is too old: what is missing there fails later, in the background, where nobody would look for it. */
import { sayOnce } from './say-once.ts';

/** The oldest Node that has all that is used here: major and minor. The `engines` of package.json say the same. */
export const OLDEST_NODE = [22, 13] as const;

/** Warns on a Node that is too old. Other runtimes, whose word for Node's version is a courtesy, are taken as they are. */
export function checkRuntime(): void {
  const { process } = globalThis as { process?: { versions?: Readonly<Record<string, string | undefined>> } };
  const { node, bun, deno } = process?.versions ?? {};
  if (node === undefined || bun !== undefined || deno !== undefined) return;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const [needed, least] = OLDEST_NODE;
  if (major > needed || (major === needed && minor >= least)) return;
  sayOnce(
    'node',
    `This is Node ${node}; AgentKavach needs Node ${needed}.${least} or newer, and is not tested on this one. Where WebSocket is missing (before Node 22), kills and limits of the backend arrive by polling, within about five seconds. What else is missing fails where it is first used, mostly in the background. Update Node.`,
  );
}
